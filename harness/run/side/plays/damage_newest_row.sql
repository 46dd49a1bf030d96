-- The newest checkpoint is gone.
DELETE FROM workflow_checkpoints
WHERE execution_id = %(id)s
  AND version = (SELECT max(version) FROM workflow_checkpoints WHERE execution_id = %(id)s)
