-- What the candidate engine (V2) adds to V1's tables. V1 goes on working on the migrated database: every new column
-- has a default and no old one changes. Every statement may be run again.
-- The plan's queries group by their own aliases version, from_state and to_state. A column of that name in the table
-- would win over the alias and break them, hence checkpoint_version, and no columns for an event's states.
-- Where a row is written with every step, its rules are types (enums and domains): Postgres parses a table's CHECKs anew
-- in every statement, a type's once a session.

-- Locked in the order in which V1 goes when it writes a step, so that no worker of V1 meets this in a deadlock.
LOCK TABLE workflow_step_executions, workflow_executions IN ACCESS EXCLUSIVE MODE;

-- lease_epoch grows by one each time a worker takes the execution over; a write that names an older epoch changes
-- nothing. checkpoint_version is the newest checkpoint's, last_sequence the newest event's.
ALTER TABLE workflow_executions
    ADD COLUMN IF NOT EXISTS lease_epoch        bigint NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS lease_owner        text,
    ADD COLUMN IF NOT EXISTS lease_expires_at   timestamptz,
    ADD COLUMN IF NOT EXISTS checkpoint_version integer NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS last_sequence      integer NOT NULL DEFAULT 0;

-- This row changes with every step; its definition and input do not. Stored apart, they are not written again each time.
-- With room on the page it is rewritten in place, without new index entries; so is a step's, once.
ALTER TABLE workflow_executions SET (toast_tuple_target = 512, fillfactor = 50);
ALTER TABLE workflow_step_executions SET (fillfactor = 70);

-- The state machine as data: "scope from event to", one label a legal transition. A column of this type can hold no
-- other, and looking a label up locks nothing: foreign keys to a table of transitions had every event of every worker
-- lock the same few rows.
DO $$
BEGIN
    IF to_regtype('workflow_transition') IS NULL THEN
        CREATE TYPE workflow_transition AS ENUM (
            'execution pending START running',
            'execution pending CANCEL cancelled',
            'execution running COMPLETE completed',
            'execution running FAIL failed',
            'execution running CANCEL cancelled',
            'step pending START running',
            'step pending SKIP skipped',
            'step running COMPLETE completed',
            'step running FAIL failed',
            'step running RETRY retrying',
            'step running PAUSE paused',
            'step running CANCEL cancelled',
            'step retrying START running',
            'step retrying CANCEL cancelled',
            'step paused RESUME running',
            'step paused CANCEL cancelled'
        );
        CREATE DOMAIN workflow_ordinal AS integer CHECK (VALUE >= 1);
        CREATE DOMAIN workflow_duration_ms AS double precision CHECK (VALUE >= 0);
        CREATE DOMAIN workflow_metric_status AS text CHECK (VALUE IN ('success', 'failure', 'cancelled'));
    END IF;
END
$$;

CREATE OR REPLACE VIEW workflow_transitions AS
SELECT split_part(label, ' ', 1) AS scope, split_part(label, ' ', 2) AS from_state, split_part(label, ' ', 3) AS event,
       split_part(label, ' ', 4) AS to_state
FROM unnest(enum_range(NULL::workflow_transition)::text[]) AS label;

-- The tables that every step writes have no foreign key to the execution: the statement that writes them holds the
-- execution's row, so there can be no orphan, and this trigger lets them go with it, whatever schemas the session looks in.
CREATE OR REPLACE FUNCTION workflow_forget() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('DELETE FROM %I.workflow_step_executions WHERE execution_id = $1', TG_TABLE_SCHEMA) USING OLD.id;
    EXECUTE format('DELETE FROM %I.workflow_events WHERE execution_id = $1', TG_TABLE_SCHEMA) USING OLD.id;
    EXECUTE format('DELETE FROM %I.workflow_checkpoints WHERE execution_id = $1', TG_TABLE_SCHEMA) USING OLD.id;
    EXECUTE format('DELETE FROM %I.workflow_metrics WHERE execution_id = $1', TG_TABLE_SCHEMA) USING OLD.id;
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER workflow_forget AFTER DELETE ON workflow_executions
    FOR EACH ROW EXECUTE FUNCTION workflow_forget();

ALTER TABLE workflow_step_executions DROP CONSTRAINT IF EXISTS workflow_step_executions_execution_id_fkey;

-- The event history. An event is the execution's own where it names no step, as its transition must say too (those of
-- steps come last in the type); other event types have no transition. The payload has the states under the names
-- that the plan's queries read, and what else belongs to the event.
CREATE TABLE IF NOT EXISTS workflow_events (
    execution_id uuid NOT NULL,
    sequence     workflow_ordinal NOT NULL,
    event_type   text NOT NULL,
    transition   workflow_transition,
    step_id      text,
    node_id      text,
    attempt      integer,
    payload      jsonb NOT NULL,
    timestamp    timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (execution_id, sequence),
    CHECK ((event_type = 'STATE_TRANSITION') = (transition IS NOT NULL)
           AND (step_id IS NULL) = (transition < 'step pending START running'))
);

-- The dashboards' time windows: rows come in the order of time, so a block range index finds them at almost no cost.
CREATE INDEX IF NOT EXISTS workflow_events_timestamp ON workflow_events USING brin (timestamp);

-- One row a commit: what it changed, and how far the events went. checksum chains over all rows before it.
CREATE TABLE IF NOT EXISTS workflow_checkpoints (
    execution_id   uuid NOT NULL,
    version        workflow_ordinal NOT NULL,
    node_id        text,
    schema_version integer NOT NULL,
    sequence       integer NOT NULL,
    state          json NOT NULL,
    checksum       text NOT NULL,
    error_message  text,
    metadata       jsonb NOT NULL DEFAULT '{}'::jsonb,
    created_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (execution_id, version)
);

CREATE INDEX IF NOT EXISTS workflow_checkpoints_created_at ON workflow_checkpoints USING brin (created_at);

-- One row an activity step that has ended. duration_ms is milliseconds; retry_count counts the attempts after the first.
CREATE TABLE IF NOT EXISTS workflow_metrics (
    execution_id         uuid NOT NULL,
    step_id              text NOT NULL,
    node_id              text NOT NULL,
    retry_count          workflow_count NOT NULL,
    status               workflow_metric_status NOT NULL,
    duration_ms          workflow_duration_ms NOT NULL,
    orchestrator_version text NOT NULL,
    recorded_at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (execution_id, step_id)
);

CREATE INDEX IF NOT EXISTS workflow_metrics_recorded_at ON workflow_metrics USING brin (recorded_at);

-- Deadlines by the injected clock: of waits, and of the pause before the attempt named.
CREATE TABLE IF NOT EXISTS workflow_timers (
    execution_id uuid NOT NULL REFERENCES workflow_executions (id) ON DELETE CASCADE,
    step_id      text NOT NULL,
    kind         text NOT NULL CHECK (kind IN ('wait', 'retry')),
    attempt      integer NOT NULL CHECK (attempt >= 1),
    due_at       timestamptz NOT NULL,
    fired_at     timestamptz,
    PRIMARY KEY (execution_id, step_id, kind, attempt)
);

-- Signals that have arrived; step_id is the wait that used one up, null while it waits for its wait.
CREATE TABLE IF NOT EXISTS workflow_signals (
    execution_id uuid NOT NULL REFERENCES workflow_executions (id) ON DELETE CASCADE,
    id           text NOT NULL,
    position     bigint GENERATED ALWAYS AS IDENTITY,
    name         text NOT NULL,
    payload      json NOT NULL,
    step_id      text,
    received_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (execution_id, id)
);
