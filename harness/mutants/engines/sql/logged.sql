-- The tables of an engine that Postgres keeps a log of, those first that refer to others: a table with a log may not
-- refer to one without.
SELECT c.relname
FROM pg_class c
WHERE c.relname ~ %(names)s AND c.relkind = 'r' AND c.relpersistence = 'p'
ORDER BY (SELECT count(*) FROM pg_constraint k WHERE k.confrelid = c.oid AND k.contype = 'f'), c.relname
