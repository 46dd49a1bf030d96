-- Looks for its turn among everything that is paused.
SELECT count(*) FROM workflow_step_executions WHERE status = 'paused'
