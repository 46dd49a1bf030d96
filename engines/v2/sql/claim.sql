-- Takes an execution over, in one guarded statement: nothing is read first and decided later. A lease without an owner
-- means that the last worker left nothing unfinished, so there must be a timer that is due or a signal that is new.
-- OFFSET 0 keeps Postgres from reading everybody's timers or signals once, to look this execution's up in them.
-- A lease with an owner must have run out, unless it is this worker's own and its drive is known to be over.
UPDATE workflow_executions e
SET lease_epoch = lease_epoch + 1, lease_owner = %(owner)s, lease_expires_at = %(expires)s
WHERE id = %(id)s
  AND status = 'running'
  AND metadata ->> 'orchestrator_version' = %(served_by)s
  AND CASE
          WHEN %(force)s::boolean THEN true
          WHEN lease_owner IS NOT NULL THEN lease_owner = %(owner)s OR lease_expires_at <= %(now)s
          ELSE EXISTS (
                  SELECT 1 FROM workflow_timers t JOIN workflow_step_executions s USING (execution_id, step_id)
                  WHERE t.execution_id = e.id AND s.status = 'paused' AND t.kind = 'wait' AND t.due_at <= %(now)s OFFSET 0)
              OR (%(signal)s::text IS NOT NULL AND NOT EXISTS (
                  SELECT 1 FROM workflow_signals s WHERE s.execution_id = e.id AND s.id = %(signal)s OFFSET 0))
      END
RETURNING lease_epoch, checkpoint_version, last_sequence, definition::text, input::text, current_node_id
