-- Whether somebody waits for the lock that writing to the table of checkpoints takes, which no vacuum does.
SELECT EXISTS (
    SELECT FROM pg_locks
    WHERE relation = to_regclass('workflow_checkpoints') AND mode = 'RowExclusiveLock' AND NOT granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
)
