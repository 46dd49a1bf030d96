-- The timer of a wait that is paused becomes the earliest of its node, one of an earlier turn too that never fired.
UPDATE workflow_timers t
SET due_at = o.due_at
FROM workflow_timers o, workflow_step_executions s
WHERE t.execution_id = %(id)s AND o.execution_id = t.execution_id AND s.execution_id = t.execution_id
    AND s.step_id = t.step_id AND s.status = 'paused' AND t.kind = 'wait' AND o.kind = 'wait' AND o.fired_at IS NULL
    AND o.due_at < t.due_at
    AND regexp_replace(o.step_id, '\[\d+\]', '', 'g') = regexp_replace(t.step_id, '\[\d+\]', '', 'g')
