timers AS (
    INSERT INTO workflow_timers (execution_id, step_id, kind, attempt, due_at, fired_at)
    SELECT held.id, r.step_id, r.kind, r.attempt, r.due_at, r.fired_at
    FROM held, {rows}
    ON CONFLICT (execution_id, step_id, kind, attempt) DO UPDATE SET fired_at = excluded.fired_at
),
