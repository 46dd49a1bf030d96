-- The first part of every later commit: the execution's row, if this worker's lease and version still stand.
WITH held AS (
    UPDATE workflow_executions
    SET status = %s, current_node_id = %s, output = %s, error = %s,
        finished_at = CASE WHEN %s::boolean THEN clock_timestamp() END,
        checkpoint_version = checkpoint_version + 1, last_sequence = %s, lease_owner = %s, lease_expires_at = %s
    WHERE id = %s AND lease_epoch = %s AND checkpoint_version = %s AND status = 'running'
    RETURNING id, checkpoint_version AS version
),
