-- How far an execution is.
SELECT lease_epoch, checkpoint_version, last_sequence, checksum
FROM workflow_executions e JOIN workflow_checkpoints c ON c.execution_id = e.id AND c.version = e.checkpoint_version
WHERE e.id = %(id)s
