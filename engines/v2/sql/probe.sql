-- How far an execution is: tells whether a commit landed whose answer was lost.
SELECT lease_epoch, checkpoint_version FROM workflow_executions WHERE id = %(id)s
