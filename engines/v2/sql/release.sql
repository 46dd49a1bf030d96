-- Gives a lease back under which nothing was left to do.
UPDATE workflow_executions SET lease_owner = NULL, lease_expires_at = NULL
WHERE id = %(id)s AND lease_epoch = %(epoch)s
RETURNING id
