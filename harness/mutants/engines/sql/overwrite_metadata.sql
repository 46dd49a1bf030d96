UPDATE workflow_executions SET metadata = %(metadata)s::jsonb WHERE id = %(id)s AND status = 'running'
