INSERT INTO orchestrator_flags (name, enabled, percent)
VALUES (%(name)s, %(enabled)s, %(percent)s)
ON CONFLICT (name) DO UPDATE
SET enabled = excluded.enabled, percent = excluded.percent, updated_at = clock_timestamp()
