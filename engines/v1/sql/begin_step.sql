-- A step that is run again after a crash starts its row over.
INSERT INTO workflow_step_executions (execution_id, step_id, node_id, status, attempt, input, started_at)
VALUES (%(id)s, %(step_id)s, %(node_id)s, %(status)s, 1, %(input)s, clock_timestamp())
ON CONFLICT (execution_id, step_id) DO UPDATE
SET status = excluded.status, attempt = 1, input = excluded.input, output = NULL, ports = '{}', error = NULL,
    started_at = excluded.started_at, finished_at = NULL
