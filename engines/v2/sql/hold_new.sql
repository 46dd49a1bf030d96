-- The first part of an execution's first commit: its row, already running and leased. Nothing where it exists.
WITH held AS (
    INSERT INTO workflow_executions (status, current_node_id, output, error, finished_at, last_sequence, lease_owner,
                                     lease_expires_at, id, workflow_id, definition, input, metadata, started_at,
                                     lease_epoch, checkpoint_version)
    VALUES (%s, %s, %s, %s, CASE WHEN %s::boolean THEN clock_timestamp() END, %s, %s, %s, %s, %s, %s, %s, %s,
            clock_timestamp(), 1, 1)
    ON CONFLICT (id) DO NOTHING
    RETURNING id, checkpoint_version AS version
),
