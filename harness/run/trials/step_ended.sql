-- Whether an engine has committed the end of a step; asked by the world, on a connection of its own.
SELECT EXISTS (
    SELECT FROM workflow_step_executions
    WHERE execution_id = %s AND step_id = %s AND status IN ('completed', 'failed', 'skipped', 'cancelled')
)
