DELETE FROM workflow_executions WHERE metadata ->> 'orchestrator_version' = 'v1'
