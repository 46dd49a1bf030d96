-- The version of the checkpoint with the latest time that a worker noted.
SELECT version FROM workflow_checkpoints WHERE execution_id = %(id)s ORDER BY metadata ->> 'noted_at' DESC LIMIT 1
