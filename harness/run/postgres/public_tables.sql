-- Which of the plan's tables an unqualified name finds here: those with the columns by which their rows are read. A
-- table of such a name with other columns is the engine's own.
SELECT wanted.name
FROM (VALUES
    ('workflow_executions', ARRAY['id uuid', 'status', 'created_at', 'started_at', 'finished_at']),
    ('workflow_step_executions', ARRAY['execution_id uuid', 'step_id', 'status', 'started_at', 'finished_at']),
    ('workflow_events', ARRAY['execution_id uuid', 'event_type', 'sequence']),
    ('workflow_checkpoints', ARRAY['execution_id uuid', 'version', 'state', 'checksum', 'schema_version']),
    ('workflow_metrics', ARRAY['execution_id uuid', 'retry_count', 'status', 'recorded_at'])
) AS wanted (name, columns)
WHERE wanted.columns <@ (
    SELECT array_agg(attname::text) || array_agg(attname || ' ' || format_type(atttypid, NULL))
    FROM pg_attribute
    WHERE attrelid = to_regclass(wanted.name) AND attnum > 0 AND NOT attisdropped
)
