-- What the candidate engine (V2) adds to V1's tables. V1 goes on working on the migrated database: every new column
-- has a default and no old one changes. Every statement may be run again.
-- The plan's queries group by their own aliases version, from_state and to_state. A column of that name in the table
-- would win over the alias and break them, hence checkpoint_version, state_before and state_after.

-- lease_epoch grows by one each time a worker takes the execution over; a write that names an older epoch changes
-- nothing. checkpoint_version is the newest checkpoint's, last_sequence the newest event's.
ALTER TABLE workflow_executions
    ADD COLUMN IF NOT EXISTS lease_epoch        bigint NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS lease_owner        text,
    ADD COLUMN IF NOT EXISTS lease_expires_at   timestamptz,
    ADD COLUMN IF NOT EXISTS checkpoint_version integer NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS last_sequence      integer NOT NULL DEFAULT 0;

-- This row changes with every step; its definition and input do not. Stored apart, they are not written again each time.
ALTER TABLE workflow_executions SET (toast_tuple_target = 128);

-- The state machine as data: the only status changes that an event may record.
CREATE TABLE IF NOT EXISTS workflow_transitions (
    scope      text NOT NULL CHECK (scope IN ('execution', 'step')),
    from_state text NOT NULL,
    event      text NOT NULL,
    to_state   text NOT NULL,
    PRIMARY KEY (scope, from_state, event, to_state)
);

INSERT INTO workflow_transitions (scope, from_state, event, to_state) VALUES
    ('execution', 'pending', 'START', 'running'),
    ('execution', 'pending', 'CANCEL', 'cancelled'),
    ('execution', 'running', 'COMPLETE', 'completed'),
    ('execution', 'running', 'FAIL', 'failed'),
    ('execution', 'running', 'CANCEL', 'cancelled'),
    ('step', 'pending', 'START', 'running'),
    ('step', 'pending', 'SKIP', 'skipped'),
    ('step', 'running', 'COMPLETE', 'completed'),
    ('step', 'running', 'FAIL', 'failed'),
    ('step', 'running', 'RETRY', 'retrying'),
    ('step', 'running', 'PAUSE', 'paused'),
    ('step', 'running', 'CANCEL', 'cancelled'),
    ('step', 'retrying', 'START', 'running'),
    ('step', 'retrying', 'CANCEL', 'cancelled'),
    ('step', 'paused', 'RESUME', 'running'),
    ('step', 'paused', 'CANCEL', 'cancelled')
ON CONFLICT DO NOTHING;

-- The event history. A transition has all three of state_before, event and state_after and must be in the table above;
-- other event types have none. The payload repeats them under the names that the plan's queries read.
CREATE TABLE IF NOT EXISTS workflow_events (
    execution_id uuid NOT NULL REFERENCES workflow_executions (id) ON DELETE CASCADE,
    sequence     integer NOT NULL CHECK (sequence >= 1),
    event_type   text NOT NULL,
    scope        text NOT NULL CHECK (scope IN ('execution', 'step')),
    step_id      text,
    node_id      text,
    attempt      integer,
    state_before text,
    event        text,
    state_after  text,
    payload      jsonb NOT NULL,
    timestamp    timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (execution_id, sequence),
    FOREIGN KEY (scope, state_before, event, state_after)
        REFERENCES workflow_transitions (scope, from_state, event, to_state),
    CHECK ((event_type = 'STATE_TRANSITION') = (state_before IS NOT NULL)),
    CHECK (num_nulls(state_before, event, state_after) IN (0, 3)),
    CHECK ((scope = 'step') = (step_id IS NOT NULL))
);

-- The dashboards' time windows: rows come in the order of time, so a block range index finds them at almost no cost.
CREATE INDEX IF NOT EXISTS workflow_events_timestamp ON workflow_events USING brin (timestamp);

-- One row a commit: what it changed, and how far the events went. checksum chains over all rows before it.
CREATE TABLE IF NOT EXISTS workflow_checkpoints (
    execution_id   uuid NOT NULL REFERENCES workflow_executions (id) ON DELETE CASCADE,
    version        integer NOT NULL CHECK (version >= 1),
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
    execution_id         uuid NOT NULL REFERENCES workflow_executions (id) ON DELETE CASCADE,
    step_id              text NOT NULL,
    node_id              text NOT NULL,
    retry_count          integer NOT NULL CHECK (retry_count >= 0),
    status               text NOT NULL CHECK (status IN ('success', 'failure', 'cancelled')),
    duration_ms          double precision NOT NULL CHECK (duration_ms >= 0),
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
