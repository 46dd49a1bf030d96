UPDATE workflow_executions SET status = 'failed', error = 'damaged', finished_at = clock_timestamp() WHERE id = %(id)s
