-- The tables of the legacy engine (V1). Column names are those of the rollout plan's queries.
-- Payloads are `json`, not `jsonb`: json keeps the text as it came, so big integers, -0.0, NUL escapes and lone
-- surrogates survive. Every statement may be run again, in one transaction; two workers take turns.

SELECT pg_advisory_xact_lock(hashtext('engines.install'));

-- What a status may be is said by types: Postgres parses a table's CHECKs anew in every statement, a type's once a session.
DO $$
BEGIN
    IF to_regtype('workflow_execution_status') IS NULL THEN
        CREATE DOMAIN workflow_execution_status AS text
            CHECK (VALUE IN ('pending', 'running', 'completed', 'failed', 'cancelled'));
        CREATE DOMAIN workflow_step_status AS text
            CHECK (VALUE IN ('pending', 'running', 'retrying', 'paused', 'completed', 'failed', 'skipped', 'cancelled'));
        CREATE DOMAIN workflow_count AS integer CHECK (VALUE >= 0);
    END IF;
END
$$;

CREATE TABLE IF NOT EXISTS workflow_executions (
    id              uuid PRIMARY KEY,
    workflow_id     text NOT NULL,
    status          workflow_execution_status NOT NULL,
    current_node_id text,
    definition      json NOT NULL,
    input           json NOT NULL,
    output          json,
    error           text,
    metadata        jsonb NOT NULL DEFAULT '{}'::jsonb,
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    started_at      timestamptz,
    finished_at     timestamptz,
    CHECK ((finished_at IS NOT NULL) = (status IN ('completed', 'failed', 'cancelled')))
);

CREATE INDEX IF NOT EXISTS workflow_executions_created_at ON workflow_executions (created_at);

-- One row a step; step_id is node_id, with the iteration where the step is in a loop.
CREATE TABLE IF NOT EXISTS workflow_step_executions (
    execution_id uuid NOT NULL REFERENCES workflow_executions (id) ON DELETE CASCADE,
    step_id      text NOT NULL,
    node_id      text NOT NULL,
    status       workflow_step_status NOT NULL,
    attempt      workflow_count NOT NULL DEFAULT 0,
    input        json,
    output       json,
    ports        text[] NOT NULL DEFAULT '{}',
    error        text,
    started_at   timestamptz,
    finished_at  timestamptz,
    PRIMARY KEY (execution_id, step_id)
);

-- Where the router says which engine serves an execution, in the columns of the platform's own log table.
CREATE TABLE IF NOT EXISTS edge_logs (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    function_id   text NOT NULL,
    event_message text NOT NULL,
    timestamp     timestamptz NOT NULL DEFAULT clock_timestamp()
);
