-- Says that this session drives the execution, where no other does.
SELECT pg_try_advisory_lock(%(key)s)
