DELETE FROM workflow_signals WHERE step_id IS NOT NULL
