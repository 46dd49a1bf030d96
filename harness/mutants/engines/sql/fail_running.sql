UPDATE workflow_executions SET status = 'failed', error = 'installed anew', finished_at = clock_timestamp()
WHERE status = 'running'
