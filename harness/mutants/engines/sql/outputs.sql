-- All outputs of an execution so far, as one text.
SELECT string_agg(output::text, '') FROM workflow_step_executions WHERE execution_id = %(id)s
