DELETE FROM workflow_executions
WHERE finished_at < (SELECT max(finished_at) FROM workflow_executions)
