-- Whether a client in this database waits for a lock that its writing to the table of checkpoints takes.
SELECT EXISTS (
    SELECT FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE relation = to_regclass('workflow_checkpoints') AND mode = 'RowExclusiveLock' AND NOT granted
        AND datname = current_database() AND backend_type = 'client backend'
)
