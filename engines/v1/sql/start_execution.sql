-- One row an execution; a second start of the same one changes nothing.
INSERT INTO workflow_executions (id, workflow_id, status, definition, input, metadata, started_at)
VALUES (%(id)s, %(workflow_id)s, 'running', %(definition)s, %(input)s, %(metadata)s, clock_timestamp())
ON CONFLICT (id) DO NOTHING
