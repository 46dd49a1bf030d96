-- What was noted in local time and is read as UTC.
UPDATE workflow_executions SET created_at = created_at::timestamp AT TIME ZONE 'UTC' WHERE id = %(id)s
