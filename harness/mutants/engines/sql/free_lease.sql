-- Lets a lease run out, whoever holds it.
UPDATE workflow_executions SET lease_expires_at = %(now)s
WHERE id = %(id)s AND lease_owner IS NOT NULL
RETURNING id
