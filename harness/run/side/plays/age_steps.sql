UPDATE workflow_step_executions
SET started_at = started_at - %(by)s, finished_at = finished_at - %(by)s
WHERE execution_id = ANY(%(ids)s)
