-- An older checkpoint says of what has been completed that it is under way.
UPDATE workflow_checkpoints SET state = replace(state::text, '"completed"', '"running"')::json
WHERE execution_id = %(id)s AND state::text LIKE '%%"completed"%%'
  AND version = (
      SELECT max(version) FROM workflow_checkpoints
      WHERE execution_id = %(id)s AND version < (SELECT max(version) FROM workflow_checkpoints WHERE execution_id = %(id)s))
