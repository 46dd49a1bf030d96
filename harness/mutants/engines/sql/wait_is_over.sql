-- Whether a wait's timer is up.
SELECT 1 FROM workflow_timers t JOIN workflow_step_executions s USING (execution_id, step_id)
WHERE t.execution_id = %(id)s AND t.kind = 'wait' AND s.status = 'paused' AND t.due_at <= %(now)s
