-- The newest checkpoint is said to be written as a later engine writes them.
UPDATE workflow_checkpoints SET schema_version = schema_version + 1
WHERE execution_id = %(id)s
  AND version = (SELECT max(version) FROM workflow_checkpoints WHERE execution_id = %(id)s)
