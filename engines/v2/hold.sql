-- The first part of every later statement: the execution's row, if this worker's lease and version still stand.
WITH held AS (
    UPDATE workflow_executions
    SET status = %(status)s, current_node_id = %(node_id)s, output = %(output)s::json, error = %(error)s,
        finished_at = CASE WHEN %(status)s::text <> 'running' THEN clock_timestamp() END,
        checkpoint_version = checkpoint_version + 1, last_sequence = %(sequence)s,
        lease_owner = %(owner)s, lease_expires_at = %(expires)s::timestamptz
    WHERE id = %(id)s AND lease_epoch = %(epoch)s AND checkpoint_version = %(version)s AND status = 'running'
    RETURNING id, checkpoint_version AS version
),
