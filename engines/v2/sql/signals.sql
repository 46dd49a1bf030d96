signals AS (
    INSERT INTO workflow_signals (execution_id, id, name, payload, step_id)
    SELECT held.id, r.id, r.name, r.payload::json, r.step_id
    FROM held, {rows}
    ON CONFLICT (execution_id, id) DO UPDATE SET step_id = excluded.step_id
),
