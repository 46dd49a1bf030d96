-- Locks a start without waiting for it; the backend that has the lock is told where another one has.
SELECT pg_try_advisory_lock(%(key)s),
       (SELECT min(pid) FROM pg_locks
        WHERE locktype = 'advisory' AND granted AND objsubid = 1
          AND classid = ((%(key)s::bigint >> 32) & 4294967295)::oid AND objid = (%(key)s::bigint & 4294967295)::oid
          AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
