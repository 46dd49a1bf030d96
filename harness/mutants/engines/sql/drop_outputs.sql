UPDATE workflow_executions SET output = NULL
WHERE output IS NOT NULL AND finished_at < (SELECT max(finished_at) FROM workflow_executions)
