SELECT step_id, status, output::text, ports, error
FROM workflow_step_executions
WHERE execution_id = %(id)s
