-- The execution, its start step and its first step, with their events and the first checkpoint.
WITH execution AS (
    INSERT INTO workflow_executions (id, workflow_id, status, current_node_id, definition, input, metadata, started_at,
                                     lease_epoch, lease_owner, lease_expires_at, checkpoint_version, last_sequence)
    VALUES (%(id)s, %(workflow_id)s, 'running', %(node_id)s, %(definition)s::json, %(input)s::json, %(metadata)s::jsonb,
            clock_timestamp(), 1, %(owner)s, %(expires)s::timestamptz, 1, %(sequence)s)
),
steps AS (
    INSERT INTO workflow_step_executions (execution_id, step_id, node_id, status, attempt, input, output, ports,
                                          started_at, finished_at)
    VALUES (%(id)s, 'start', 'start', 'completed', 1, %(input)s::json, %(input)s::json, '{out}', clock_timestamp(),
            clock_timestamp()),
           (%(id)s, %(node_id)s, %(node_id)s, 'running', 1, %(input)s::json, NULL, '{}', clock_timestamp(), NULL)
),
events AS (
    INSERT INTO workflow_events (execution_id, sequence, event_type, transition, step_id, node_id, attempt, payload)
    VALUES (%(id)s, 1, 'STATE_TRANSITION', 'execution pending START running', NULL, NULL, NULL,
            %(event_1)s::jsonb),
           (%(id)s, 2, 'STATE_TRANSITION', 'step pending START running', 'start', 'start', 1,
            %(event_2)s::jsonb),
           (%(id)s, 3, 'STATE_TRANSITION', 'step running COMPLETE completed', 'start', 'start', 1,
            %(event_3)s::jsonb),
           (%(id)s, 4, 'STATE_TRANSITION', 'step pending START running', %(node_id)s, %(node_id)s, 1,
            %(event_4)s::jsonb)
)
INSERT INTO workflow_checkpoints (execution_id, version, node_id, schema_version, sequence, state, checksum, metadata)
VALUES (%(id)s, 1, %(node_id)s, 1, %(sequence)s, %(state)s::json, %(checksum)s, %(checkpoint_metadata)s::jsonb)
