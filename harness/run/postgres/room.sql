-- How many sessions the present role may have at once on this server, and how many there are: of databases of runs
-- (cutover_KEY_NUMBER_MARK), and of others.
SELECT
    least(
        current_setting('max_connections')::int
            - CASE WHEN r.rolsuper THEN 0
                ELSE current_setting('superuser_reserved_connections')::int
                    + coalesce(current_setting('reserved_connections', true), '0')::int
            END,
        CASE WHEN r.rolconnlimit >= 0 AND NOT r.rolsuper THEN r.rolconnlimit ELSE 2147483647 END
    ),
    (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'
        AND datname ~ '^cutover_[0-9a-f]{8}_[0-9]+(_[0-9a-f]+)*$'),
    (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'
        AND datname !~ '^cutover_[0-9a-f]{8}_[0-9]+(_[0-9a-f]+)*$')
FROM pg_roles r
WHERE r.rolname = current_user
