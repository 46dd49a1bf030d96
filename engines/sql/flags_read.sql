SELECT enabled, percent FROM orchestrator_flags WHERE name = %(name)s
