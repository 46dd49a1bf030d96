events AS (
    INSERT INTO workflow_events (execution_id, sequence, event_type, transition, step_id, node_id, attempt, payload)
    SELECT held.id, r.sequence, r.event_type, r.transition, r.step_id, r.node_id, r.attempt, r.payload::jsonb
    FROM held, {rows}
),
