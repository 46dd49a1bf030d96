-- Whether a client in this database waits for what another session's transaction holds.
SELECT EXISTS (
    SELECT FROM pg_stat_activity
    WHERE datname = current_database() AND backend_type = 'client backend' AND wait_event_type = 'Lock'
        AND wait_event NOT IN ('extend', 'frozenid', 'page', 'virtualxid')
)
