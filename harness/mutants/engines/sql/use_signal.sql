-- A signal that is kept, said to be used by a step.
UPDATE workflow_signals SET step_id = %(step)s WHERE execution_id = %(id)s AND id = %(signal)s AND step_id IS NULL
