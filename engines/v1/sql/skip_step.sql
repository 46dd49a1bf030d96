INSERT INTO workflow_step_executions (execution_id, step_id, node_id, status, finished_at)
VALUES (%(id)s, %(step_id)s, %(node_id)s, 'skipped', clock_timestamp())
ON CONFLICT (execution_id, step_id) DO NOTHING
