-- The rows that an engine with a history keeps besides: newest version, events, checkpoints, metrics and timers.
SELECT 'version', 0::bigint, checkpoint_version::text
FROM workflow_executions
WHERE id = %(execution_id)s
UNION ALL
SELECT 'event', r.sequence, row_to_json(r)::text
FROM (
    SELECT sequence, event_type AS type, CASE WHEN step_id IS NULL THEN 'execution' ELSE 'step' END AS scope, step_id,
           node_id, split_part(transition::text, ' ', 2) AS from_state, split_part(transition::text, ' ', 3) AS event,
           split_part(transition::text, ' ', 4) AS to_state, attempt, payload::text AS payload, timestamp AS at
    FROM workflow_events
    WHERE execution_id = %(execution_id)s
) r
UNION ALL
SELECT 'checkpoint', r.version, row_to_json(r)::text
FROM (
    SELECT version, node_id, schema_version, sequence, state::text AS state, checksum,
           (metadata ->> 'duration_ms')::double precision AS duration_ms, error_message, created_at
    FROM workflow_checkpoints
    WHERE execution_id = %(execution_id)s
) r
UNION ALL
SELECT 'metric', row_number() OVER (ORDER BY r.recorded_at, r.step_id), row_to_json(r)::text
FROM (
    SELECT step_id, node_id, retry_count, status, duration_ms, orchestrator_version, recorded_at
    FROM workflow_metrics
    WHERE execution_id = %(execution_id)s
) r
UNION ALL
SELECT 'timer', row_number() OVER (ORDER BY r.due_at, r.step_id, r.kind, r.attempt), row_to_json(r)::text
FROM (
    SELECT step_id, kind, attempt, due_at, fired_at
    FROM workflow_timers
    WHERE execution_id = %(execution_id)s
) r
