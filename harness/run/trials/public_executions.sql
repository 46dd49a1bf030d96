SELECT id, status::text FROM workflow_executions WHERE id = ANY(%s)
