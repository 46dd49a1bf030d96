-- A step that could not even be given its input has no row yet.
INSERT INTO workflow_step_executions
    (execution_id, step_id, node_id, status, attempt, error, started_at, finished_at)
VALUES (%(id)s, %(step_id)s, %(node_id)s, 'failed', 1, %(error)s, clock_timestamp(), clock_timestamp())
ON CONFLICT (execution_id, step_id) DO UPDATE
SET status = 'failed', error = excluded.error, finished_at = excluded.finished_at
