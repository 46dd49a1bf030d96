DELETE FROM workflow_step_executions WHERE execution_id = %(id)s
