-- How many locks sessions of clients in this database hold, but for this one.
SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid() AND granted
    AND locktype <> 'virtualxid'
