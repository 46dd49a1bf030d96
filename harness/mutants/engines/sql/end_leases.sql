UPDATE workflow_executions SET lease_expires_at = %(now)s WHERE status = 'running' AND lease_owner IS NOT NULL
