-- Where a resume starts again.
UPDATE workflow_executions SET current_node_id = %(step_id)s WHERE id = %(id)s
