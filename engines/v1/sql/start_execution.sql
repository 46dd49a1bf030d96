-- One row an execution; a second start of the same one changes nothing. The lock says that this session drives it; it is
-- taken after the row is there, so that of two that start at once the second waits for the row and finds the lock taken.
WITH started AS (
    INSERT INTO workflow_executions (id, workflow_id, status, definition, input, metadata, started_at)
    VALUES (%(id)s, %(workflow_id)s, 'running', %(definition)s, %(input)s, %(metadata)s, clock_timestamp())
    ON CONFLICT (id) DO NOTHING
    RETURNING id
)
SELECT counted.started, pg_try_advisory_lock(%(key)s)
FROM (SELECT count(*) = 1 AS started FROM started) counted
