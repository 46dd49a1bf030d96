DELETE FROM workflow_executions WHERE finished_at < clock_timestamp() - interval '90 days'
