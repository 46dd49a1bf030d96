-- What a claim would have returned.
SELECT lease_epoch, checkpoint_version, last_sequence, definition::text, input::text, current_node_id
FROM workflow_executions
WHERE id = %(id)s AND status = 'running'
