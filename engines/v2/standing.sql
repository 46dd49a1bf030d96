-- Why a claim took nothing.
SELECT e.status, e.metadata ->> 'orchestrator_version', e.lease_owner, e.lease_expires_at,
       EXISTS (SELECT 1 FROM workflow_signals s WHERE s.execution_id = e.id AND s.id = %(signal)s)
FROM workflow_executions e
WHERE e.id = %(id)s
