DELETE FROM orchestrator_assignments WHERE execution_id = %(id)s
