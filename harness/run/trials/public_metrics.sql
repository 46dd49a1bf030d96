SELECT execution_id, count(*)::int FROM workflow_metrics WHERE execution_id = ANY(%s) GROUP BY execution_id
