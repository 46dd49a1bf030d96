-- Writes events behind all that are there.
INSERT INTO workflow_events (execution_id, sequence, event_type, transition, step_id, node_id, attempt, payload)
SELECT %(id)s,
       (SELECT max(sequence) FROM workflow_events WHERE execution_id = %(id)s) + row_number() OVER (ORDER BY place),
       e ->> 'event_type', (e ->> 'transition')::workflow_transition, e ->> 'step_id', e ->> 'node_id',
       (e ->> 'attempt')::integer, (e ->> 'payload')::jsonb
FROM jsonb_array_elements(%(events)s::jsonb) WITH ORDINALITY AS entry (e, place)
