UPDATE workflow_step_executions
SET status = 'cancelled', finished_at = clock_timestamp()
WHERE execution_id = %(id)s AND status IN ('pending', 'running', 'retrying', 'paused')
