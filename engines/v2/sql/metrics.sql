metrics AS (
    INSERT INTO workflow_metrics (execution_id, step_id, node_id, retry_count, status, duration_ms, orchestrator_version)
    SELECT held.id, r.step_id, r.node_id, r.retry_count, r.status, r.duration_ms, r.orchestrator_version
    FROM held, {rows}
),
