-- Names of runs' databases to which somebody is connected, or which somebody's present statement names.
SELECT named.name
FROM pg_stat_activity a
CROSS JOIN LATERAL (
    SELECT CASE
        WHEN a.datname ~ ('_' || %(mark)s || '$') THEN a.datname::text
        WHEN a.state = 'active' THEN substring(a.query FROM 'cutover_[0-9a-f]{8}_[0-9]+_' || %(mark)s)
    END
) AS named (name)
WHERE named.name IS NOT NULL AND a.backend_type = 'client backend' AND a.pid <> pg_backend_pid()
