DELETE FROM workflow_executions WHERE finished_at < clock_timestamp() - interval '1 minute'
