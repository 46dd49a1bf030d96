UPDATE workflow_signals SET payload = %(payload)s::json WHERE execution_id = %(id)s AND id = %(signal)s AND step_id IS NULL
