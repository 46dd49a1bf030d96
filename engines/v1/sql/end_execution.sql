-- The status is assigned whatever it was before: this engine does not validate its transitions.
UPDATE workflow_executions
SET status = %(status)s, output = %(output)s, error = %(error)s, finished_at = clock_timestamp()
WHERE id = %(id)s
