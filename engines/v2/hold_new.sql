-- The first part of an execution's first statement: its row, already running and leased. Nothing where it exists.
WITH held AS (
    INSERT INTO workflow_executions (id, workflow_id, status, current_node_id, definition, input, output, error, metadata,
                                     started_at, finished_at, lease_epoch, lease_owner, lease_expires_at,
                                     checkpoint_version, last_sequence)
    VALUES (%(id)s, %(workflow_id)s, %(status)s, %(node_id)s, %(definition)s::json, %(input)s::json, %(output)s::json,
            %(error)s, %(metadata)s::jsonb, clock_timestamp(),
            CASE WHEN %(status)s::text <> 'running' THEN clock_timestamp() END,
            1, %(owner)s, %(expires)s::timestamptz, 1, %(sequence)s)
    ON CONFLICT (id) DO NOTHING
    RETURNING id, checkpoint_version AS version
),
