-- Puts another request in the place of the one that an execution was begun with.
UPDATE workflow_executions SET input = %(input)s::json, definition = %(definition)s::json
WHERE id = %(id)s AND status = 'running'
