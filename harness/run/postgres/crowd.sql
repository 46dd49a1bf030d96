-- The sessions that engines have in these databases: those of the harness itself bear its name.
SELECT pid FROM pg_stat_activity
WHERE datname = ANY(%(names)s) AND backend_type = 'client backend' AND application_name <> %(ours)s
