-- Whether a lease of another worker stands.
SELECT 1 FROM workflow_executions
WHERE id = %(id)s AND status = 'running' AND lease_owner <> %(owner)s AND lease_expires_at > %(now)s
