-- The newest checkpoint says nothing of any step.
UPDATE workflow_checkpoints SET state = '{}'
WHERE execution_id = %(id)s
  AND version = (SELECT max(version) FROM workflow_checkpoints WHERE execution_id = %(id)s)
