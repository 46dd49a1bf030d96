-- Which engine an execution was given at its start: the role the router noted, and the version the engine noted.
SELECT metadata ->> 'rollout_role', metadata ->> 'orchestrator_version'
FROM workflow_executions
WHERE id = %(id)s
