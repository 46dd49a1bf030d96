-- The first checkpoint is gone.
DELETE FROM workflow_checkpoints
WHERE execution_id = %(id)s
  AND version = (SELECT min(version) FROM workflow_checkpoints WHERE execution_id = %(id)s)
