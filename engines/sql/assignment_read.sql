-- What was decided for an execution, where the engines keep their executions in tables of their own.
SELECT false, NULL, NULL, NULL, a.role, a.engine, a.bucket, a.percent, a.salt
FROM (VALUES (%(id)s::uuid)) AS asked (id)
LEFT JOIN orchestrator_assignments a ON a.execution_id = asked.id
