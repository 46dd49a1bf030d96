-- The rows that every engine keeps of one execution, a JSON object a row. Payloads go in as text, so that they come
-- back to the last character; all parts are read by one statement, so they are one snapshot.
SELECT 'execution' AS part, 0::bigint AS position, row_to_json(r)::text AS row
FROM (
    SELECT id, workflow_id, status, current_node_id, input::text AS input, output::text AS output, error, metadata,
           created_at, started_at, finished_at
    FROM workflow_executions
    WHERE id = %(execution_id)s
) r
UNION ALL
SELECT 'step', row_number() OVER (ORDER BY r.started_at NULLS LAST, r.step_id), row_to_json(r)::text
FROM (
    SELECT step_id, node_id, status, attempt, input::text AS input, output::text AS output, ports, error, started_at,
           finished_at
    FROM workflow_step_executions
    WHERE execution_id = %(execution_id)s
) r
