-- The engine's own notes beside the execution: when waits are due, which signals have come.
UPDATE workflow_executions SET metadata = metadata || %(notes)s WHERE id = %(id)s
