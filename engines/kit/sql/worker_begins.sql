-- A worker holds this lock for as long as its session lasts.
SELECT pg_advisory_lock(hashtextextended('cutover.kit ' || %s, 0))
