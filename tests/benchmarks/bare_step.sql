-- The end of a step and the start of the next.
WITH execution AS (
    UPDATE workflow_executions
    SET current_node_id = %(next_id)s, checkpoint_version = %(version)s, last_sequence = %(sequence)s,
        lease_expires_at = %(expires)s::timestamptz
    WHERE id = %(id)s
),
ended AS (
    UPDATE workflow_step_executions
    SET status = 'completed', output = %(output)s::json, ports = '{out}', finished_at = clock_timestamp()
    WHERE execution_id = %(id)s AND step_id = %(step_id)s
),
begun AS (
    INSERT INTO workflow_step_executions (execution_id, step_id, node_id, status, attempt, input, started_at)
    VALUES (%(id)s, %(next_id)s, %(next_id)s, 'running', 1, %(output)s::json, clock_timestamp())
),
events AS (
    INSERT INTO workflow_events (execution_id, sequence, event_type, transition, step_id, node_id, attempt, payload)
    VALUES (%(id)s, %(sequence)s - 1, 'STATE_TRANSITION', 'step running COMPLETE completed', %(step_id)s, %(step_id)s, 1,
            %(event_1)s::jsonb),
           (%(id)s, %(sequence)s, 'STATE_TRANSITION', 'step pending START running', %(next_id)s, %(next_id)s, 1,
            %(event_2)s::jsonb)
),
checkpoint AS (
    INSERT INTO workflow_checkpoints (execution_id, version, node_id, schema_version, sequence, state, checksum, metadata)
    VALUES (%(id)s, %(version)s, %(next_id)s, 1, %(sequence)s, %(state)s::json, %(checksum)s,
            %(checkpoint_metadata)s::jsonb)
)
INSERT INTO workflow_metrics (execution_id, step_id, node_id, retry_count, status, duration_ms, orchestrator_version)
VALUES (%(id)s, %(step_id)s, %(step_id)s, 0, 'success', %(duration_ms)s, 'v2')
