-- A lock of the session that is the same for all executions.
SELECT pg_advisory_lock(4711)
