-- The rows that a step of a durable engine leaves (design, sections 5 and 6) with nothing around them: no rule, no type but
-- the plainest, no index but the keys.
CREATE TABLE executions (
    id uuid PRIMARY KEY, status text, node_id text, version integer, sequence integer, epoch integer, expires text,
    definition text, output text
) WITH (fillfactor = 50);

CREATE TABLE steps (
    execution_id uuid, step_id text, status text, attempt integer, input text, output text, started_at timestamptz,
    finished_at timestamptz, PRIMARY KEY (execution_id, step_id)
) WITH (fillfactor = 70);

CREATE TABLE events (
    execution_id uuid, sequence integer, type text, step_id text, payload text,
    timestamp timestamptz DEFAULT clock_timestamp(), PRIMARY KEY (execution_id, sequence)
);

CREATE TABLE checkpoints (
    execution_id uuid, version integer, node_id text, sequence integer, state text, checksum text, metadata text,
    created_at timestamptz DEFAULT clock_timestamp(), PRIMARY KEY (execution_id, version)
);

CREATE TABLE metrics (
    execution_id uuid, step_id text, retry_count integer, status text, duration_ms double precision,
    recorded_at timestamptz DEFAULT clock_timestamp(), PRIMARY KEY (execution_id, step_id)
);
