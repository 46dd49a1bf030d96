-- Prolongs a lease that is still held.
UPDATE workflow_executions SET lease_expires_at = greatest(lease_expires_at, %(expires)s)
WHERE id = %(id)s AND lease_epoch = %(epoch)s AND lease_owner = %(owner)s
