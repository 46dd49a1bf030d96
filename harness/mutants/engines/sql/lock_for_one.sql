-- Takes a lock that is the session's until it ends, of a number that stands for one execution.
SELECT pg_advisory_lock(hashtextextended(%s, 0))
