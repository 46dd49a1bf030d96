-- Gives a wait another deadline.
UPDATE workflow_timers SET due_at = %(due_at)s WHERE execution_id = %(id)s AND step_id = %(step_id)s AND kind = 'wait'
