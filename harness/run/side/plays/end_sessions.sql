-- Ends the sessions of clients in this database that have been at work since then, but for some.
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
    AND state_change > %(since)s AND NOT pid = ANY(%(spared)s)
