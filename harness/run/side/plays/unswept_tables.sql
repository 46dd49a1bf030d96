-- Tables whose dead rows are never removed by the server itself.
SELECT relname FROM pg_class
WHERE relkind = 'r' AND reloptions && ARRAY['autovacuum_enabled=false', 'autovacuum_enabled=off', 'autovacuum_enabled=0']
ORDER BY relname
