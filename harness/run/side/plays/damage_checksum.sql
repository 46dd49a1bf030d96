-- The newest checkpoint has another checksum.
UPDATE workflow_checkpoints SET checksum = reverse(checksum)
WHERE execution_id = %(id)s AND checksum <> reverse(checksum)
  AND version = (SELECT max(version) FROM workflow_checkpoints WHERE execution_id = %(id)s)
