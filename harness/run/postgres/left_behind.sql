-- Databases of runs (cutover_KEY_NUMBER_MARK) that no run holds any more: nobody in the cluster has the run's advisory
-- lock, whose second half is KEY, and nobody but a vacuum worker is connected.
SELECT d.datname
FROM pg_database d
WHERE d.datname ~ ('^cutover_[0-9a-f]{8}_[0-9]+_' || %(mark)s || '$')
    AND NOT EXISTS (
        SELECT FROM pg_locks l
        WHERE l.locktype = 'advisory' AND l.objsubid = 2 AND l.classid = %(class)s::bigint::oid
            AND l.objid = ('x' || substr(d.datname, 9, 8))::bit(32)::bigint::oid
    )
    AND NOT EXISTS (
        SELECT FROM pg_stat_activity a
        WHERE a.datname = d.datname AND a.backend_type IS DISTINCT FROM 'autovacuum worker'
    )
ORDER BY d.datname
