-- Forgets the deadlines of an execution that have not been met.
DELETE FROM workflow_timers WHERE execution_id = %(id)s AND fired_at IS NULL
