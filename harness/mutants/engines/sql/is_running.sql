-- Whether the execution has not ended.
SELECT 1 FROM workflow_executions WHERE id = %(id)s AND status = 'running'
