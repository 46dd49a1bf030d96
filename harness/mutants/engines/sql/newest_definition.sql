SELECT definition::text
FROM workflow_executions
WHERE workflow_id = (SELECT workflow_id FROM workflow_executions WHERE id = %(id)s)
ORDER BY created_at DESC
LIMIT 1
