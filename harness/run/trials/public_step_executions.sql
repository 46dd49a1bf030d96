SELECT execution_id, json_object_agg(step_id, status) FROM workflow_step_executions
WHERE execution_id = ANY(%s) GROUP BY execution_id
