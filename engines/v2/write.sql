-- The second part: everything else that changed, and only where `held` gave a row. One statement is one commit.
-- Payloads come as JSON text inside JSON strings, because json_to_recordset refuses the escapes of NUL and of lone
-- surrogates that a json column keeps. A step that has a row already comes without its input, which does not change;
-- it is found by the key, whatever the number of steps before it.
steps AS (
    INSERT INTO workflow_step_executions AS w (execution_id, step_id, node_id, status, attempt, input, output, ports,
                                               error, started_at, finished_at)
    SELECT held.id, s.step_id, s.node_id, s.status, s.attempt, s.input::json, s.output::json, s.ports, s.error,
           CASE WHEN s.status <> 'skipped' THEN clock_timestamp() END,
           CASE WHEN s.ended THEN clock_timestamp() END
    FROM held, json_to_recordset(%(steps)s::json) AS s (
        step_id text, node_id text, status text, attempt integer, input text, output text, ports text[], error text,
        ended boolean)
    ON CONFLICT (execution_id, step_id) DO UPDATE
    SET status = excluded.status, attempt = excluded.attempt, output = excluded.output, ports = excluded.ports,
        error = excluded.error, finished_at = excluded.finished_at
),
new_events AS (
    INSERT INTO workflow_events (execution_id, sequence, event_type, scope, step_id, node_id, attempt, state_before, event,
                                 state_after, payload)
    SELECT held.id, (e ->> 'sequence')::integer, e ->> 'type', e ->> 'scope', e ->> 'step_id', e ->> 'node_id',
           (e ->> 'attempt')::integer, e ->> 'from_state', e ->> 'event', e ->> 'to_state', e
    FROM held, jsonb_array_elements(%(events)s::jsonb) AS e
),
new_checkpoint AS (
    INSERT INTO workflow_checkpoints (execution_id, version, node_id, schema_version, sequence, state, checksum,
                                      error_message, metadata)
    SELECT held.id, held.version, %(node_id)s, %(schema_version)s, %(sequence)s, %(state)s::json, %(checksum)s,
           %(error_message)s, %(checkpoint_metadata)s::jsonb
    FROM held
),
new_metrics AS (
    INSERT INTO workflow_metrics (execution_id, step_id, node_id, retry_count, status, duration_ms, orchestrator_version)
    SELECT held.id, m.step_id, m.node_id, m.retry_count, m.status, m.duration_ms, %(served_by)s
    FROM held, json_to_recordset(%(metrics)s::json) AS m (
        step_id text, node_id text, retry_count integer, status text, duration_ms double precision)
),
new_timers AS (
    INSERT INTO workflow_timers (execution_id, step_id, kind, attempt, due_at, fired_at)
    SELECT held.id, t.step_id, t.kind, t.attempt, t.due_at, t.fired_at
    FROM held, json_to_recordset(%(timers)s::json) AS t (
        step_id text, kind text, attempt integer, due_at timestamptz, fired_at timestamptz)
    ON CONFLICT (execution_id, step_id, kind, attempt) DO UPDATE SET fired_at = excluded.fired_at
),
new_signals AS (
    INSERT INTO workflow_signals (execution_id, id, name, payload, step_id)
    SELECT held.id, g.id, g.name, g.payload::json, g.step_id
    FROM held, json_to_recordset(%(signals)s::json) AS g (id text, name text, payload text, step_id text)
    ON CONFLICT (execution_id, id) DO UPDATE SET step_id = excluded.step_id
)
SELECT version FROM held
