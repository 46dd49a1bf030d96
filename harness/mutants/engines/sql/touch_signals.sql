UPDATE workflow_signals SET name = name WHERE execution_id = %(id)s AND step_id IS NULL
