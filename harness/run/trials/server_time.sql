-- The clock of the database's server, UTC; read before and after an execution.
SELECT clock_timestamp() AT TIME ZONE 'UTC'
