-- What sessions of clients in this database wait for that another session may hold for long.
SELECT wait_event FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend'
    AND wait_event_type = 'Lock' AND wait_event NOT IN ('extend', 'frozenid', 'page', 'virtualxid')
