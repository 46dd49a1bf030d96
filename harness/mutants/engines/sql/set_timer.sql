-- One more timer of a step that is paused already.
INSERT INTO workflow_timers (execution_id, step_id, kind, attempt, due_at)
VALUES (%(id)s, %(step)s, %(kind)s, %(attempt)s, %(due_at)s)
ON CONFLICT (execution_id, step_id, kind, attempt) DO NOTHING
