-- Writes an execution's status whoever holds it.
UPDATE workflow_executions
SET status = %(status)s::text, output = %(output)s::json, error = %(error)s,
    finished_at = CASE WHEN %(status)s::text <> 'running' THEN clock_timestamp() END
WHERE id = %(id)s
