UPDATE workflow_step_executions
SET status = %(status)s, output = %(output)s, ports = %(ports)s, error = %(error)s, finished_at = clock_timestamp()
WHERE execution_id = %(id)s AND step_id = %(step_id)s
