-- Payloads as text, so that they come back to the last character.
SELECT status, current_node_id, definition::text, input::text, metadata::text
FROM workflow_executions
WHERE id = %(id)s
