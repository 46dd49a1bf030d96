-- Ends executions that began over a week ago and that nobody holds.
UPDATE workflow_executions SET status = 'failed', error = 'given up', finished_at = clock_timestamp()
WHERE status = 'running' AND started_at < now() - interval '7 days' AND lease_owner IS NULL
