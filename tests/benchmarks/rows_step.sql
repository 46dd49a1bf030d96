-- A step ends and the next begins, guarded by epoch and version: $1 id, $2 version before, $3 last event, $4 step,
-- $5 next step, $6 output, $7 state, $8 checksum, $9 metadata, $10 duration in milliseconds.
WITH execution AS (
    UPDATE executions
    SET node_id = $5, version = version + 1, sequence = $3, expires = '2030-01-01T00:00:00+00:00'
    WHERE id = $1 AND epoch = 1 AND version = $2
    RETURNING id
),
ended AS (
    UPDATE steps SET status = 'completed', output = $6, finished_at = clock_timestamp()
    WHERE execution_id = $1 AND step_id = $4
),
begun AS (
    INSERT INTO steps SELECT id, $5, 'running', 1, $6, NULL, clock_timestamp(), NULL FROM execution
),
history AS (
    INSERT INTO events
    SELECT id, entry.* FROM execution,
    (VALUES ($3::integer - 1, 'STATE_TRANSITION', $4, 'running COMPLETE completed'),
            ($3::integer, 'STATE_TRANSITION', $5, 'pending START running')) AS entry
),
measured AS (
    INSERT INTO metrics SELECT id, $4, 0, 'success', $10 FROM execution
)
INSERT INTO checkpoints SELECT id, $2 + 1, $5, $3, $7, $8, $9 FROM execution
