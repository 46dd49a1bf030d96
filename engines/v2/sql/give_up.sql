-- Lets the lease run out at once, with its owner left in place: work is unfinished, and whoever comes next takes over.
UPDATE workflow_executions SET lease_expires_at = %(now)s
WHERE id = %(id)s AND lease_epoch = %(epoch)s AND lease_owner = %(owner)s
RETURNING id
