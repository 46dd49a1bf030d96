-- Gives back the lock that is the same for all executions.
SELECT pg_advisory_unlock(4711)
