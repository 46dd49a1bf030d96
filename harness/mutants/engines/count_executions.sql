SELECT count(*) FROM workflow_executions
