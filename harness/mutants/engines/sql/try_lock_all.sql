-- The same lock, or false at once where another session has it.
SELECT pg_try_advisory_lock(4711)
