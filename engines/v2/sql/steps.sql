-- A step that has a row already comes without its input, which does not change; it is found by the key, whatever the
-- number of steps before it.
steps AS (
    INSERT INTO workflow_step_executions (execution_id, step_id, node_id, status, attempt, input, output, ports, error,
                                          started_at, finished_at)
    SELECT held.id, r.step_id, r.node_id, r.status, r.attempt, r.input::json, r.output::json, r.ports::text[], r.error,
           CASE WHEN r.status <> 'skipped' THEN clock_timestamp() END, CASE WHEN r.ended THEN clock_timestamp() END
    FROM held, {rows}
    ON CONFLICT (execution_id, step_id) DO UPDATE
    SET status = excluded.status, attempt = excluded.attempt, output = excluded.output, ports = excluded.ports,
        error = excluded.error, finished_at = excluded.finished_at
),
