-- What is known of an execution: what its own row says of its start, and what was decided for it.
SELECT e.id IS NOT NULL, e.metadata ->> 'rollout_role', e.metadata ->> 'rollout_engine',
       e.metadata ->> 'orchestrator_version', a.role, a.engine, a.bucket, a.percent, a.salt
FROM (VALUES (%(id)s::uuid)) AS asked (id)
LEFT JOIN workflow_executions e ON e.id = asked.id
LEFT JOIN orchestrator_assignments a ON a.execution_id = asked.id
