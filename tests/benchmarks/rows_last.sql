-- The last step and the execution end; parameters as in rows_step.sql, $5 without use.
WITH execution AS (
    UPDATE executions
    SET status = 'completed', version = version + 1, sequence = $3, expires = NULL, output = $6
    WHERE id = $1 AND epoch = 1 AND version = $2
    RETURNING id
),
ended AS (
    UPDATE steps SET status = 'completed', output = $6, finished_at = clock_timestamp()
    WHERE execution_id = $1 AND step_id = $4
),
history AS (
    INSERT INTO events
    SELECT id, entry.* FROM execution,
    (VALUES ($3::integer - 1, 'STATE_TRANSITION', $4, 'running COMPLETE completed'),
            ($3::integer, 'STATE_TRANSITION', $5, 'running COMPLETE completed')) AS entry
),
measured AS (
    INSERT INTO metrics SELECT id, $4, 0, 'success', $10 FROM execution
)
INSERT INTO checkpoints SELECT id, $2 + 1, $4, $3, $7, $8, $9 FROM execution
