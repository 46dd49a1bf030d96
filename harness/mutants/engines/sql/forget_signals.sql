-- Forgets all used signals of an execution but for the three newest.
DELETE FROM workflow_signals
WHERE execution_id = %(id)s AND step_id IS NOT NULL AND position NOT IN (
    SELECT position FROM workflow_signals WHERE execution_id = %(id)s AND step_id IS NOT NULL
    ORDER BY position DESC LIMIT 3)
