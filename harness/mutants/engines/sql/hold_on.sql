-- Keeps the lease for a day, though whoever holds it drives no longer.
UPDATE workflow_executions SET lease_expires_at = %(now)s + interval '1 day'
WHERE id = %(id)s AND lease_epoch = %(epoch)s
RETURNING id
