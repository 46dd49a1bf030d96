-- All rows of one execution as text, for a worker that takes it over; one snapshot, one round trip.
SELECT 'step' AS part, 0::bigint AS position, json_build_array(
           step_id, status, attempt, input::text, output::text, ports, error,
           extract(epoch FROM clock_timestamp() - started_at) * 1000)::text AS row
FROM workflow_step_executions
WHERE execution_id = %(id)s
UNION ALL
SELECT 'checkpoint', version, json_build_array(version, schema_version, sequence, state::text, checksum)::text
FROM workflow_checkpoints
WHERE execution_id = %(id)s
UNION ALL
SELECT 'timer', 0, json_build_array(step_id, kind, attempt, due_at)::text
FROM workflow_timers
WHERE execution_id = %(id)s AND fired_at IS NULL
UNION ALL
SELECT 'signal', position, json_build_array(id, name, payload::text, step_id)::text
FROM workflow_signals
WHERE execution_id = %(id)s
ORDER BY 1, 2
