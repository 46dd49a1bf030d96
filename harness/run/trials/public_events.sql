SELECT execution_id, count(*)::int FROM workflow_events WHERE execution_id = ANY(%s) GROUP BY execution_id
