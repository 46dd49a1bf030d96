-- Dates the beginning of an execution anew.
UPDATE workflow_executions SET started_at = clock_timestamp() WHERE id = %(id)s
