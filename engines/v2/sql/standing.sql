-- Why a claim took nothing; the last column says whether one would take it now, since others go on between the two.
-- The deadline is text, since psycopg reads times in one DateStyle only.
SELECT e.status, e.metadata ->> 'orchestrator_version', e.lease_owner, e.lease_expires_at::text,
       CASE
           WHEN e.lease_owner IS NOT NULL THEN e.lease_owner = %(owner)s OR e.lease_expires_at <= %(now)s
           ELSE EXISTS (
                   SELECT 1 FROM workflow_timers t JOIN workflow_step_executions s USING (execution_id, step_id)
                   WHERE t.execution_id = e.id AND s.status = 'paused' AND t.kind = 'wait' AND t.due_at <= %(now)s)
               OR (%(signal)s::text IS NOT NULL AND NOT EXISTS (
                   SELECT 1 FROM workflow_signals s WHERE s.execution_id = e.id AND s.id = %(signal)s))
       END
FROM workflow_executions e
WHERE e.id = %(id)s
