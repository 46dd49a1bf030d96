-- Ended executions as they would be a while later.
UPDATE workflow_executions
SET created_at = created_at - %(by)s, started_at = started_at - %(by)s, finished_at = finished_at - %(by)s
WHERE id = ANY(%(ids)s)
