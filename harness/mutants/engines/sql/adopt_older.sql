UPDATE workflow_executions SET metadata = metadata || '{"orchestrator_version": "v2"}'
WHERE status = 'running' AND metadata ->> 'orchestrator_version' = 'v1'
