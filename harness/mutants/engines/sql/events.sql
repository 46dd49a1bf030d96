-- Writes events by themselves.
INSERT INTO workflow_events (execution_id, sequence, event_type, transition, step_id, node_id, attempt, payload)
SELECT %(id)s, (e ->> 'sequence')::integer, e ->> 'event_type', (e ->> 'transition')::workflow_transition, e ->> 'step_id', e ->> 'node_id',
       (e ->> 'attempt')::integer, (e ->> 'payload')::jsonb
FROM jsonb_array_elements(%(events)s::jsonb) AS e
RETURNING sequence
