-- Writes events by themselves.
INSERT INTO workflow_events (execution_id, sequence, event_type, scope, step_id, node_id, attempt, state_before, event,
                             state_after, payload)
SELECT %(id)s, (e ->> 'sequence')::integer, e ->> 'type', e ->> 'scope', e ->> 'step_id', e ->> 'node_id',
       (e ->> 'attempt')::integer, e ->> 'from_state', e ->> 'event', e ->> 'to_state', e
FROM jsonb_array_elements(%(events)s::jsonb) AS e
RETURNING sequence
