DELETE FROM workflow_timers WHERE fired_at IS NULL
