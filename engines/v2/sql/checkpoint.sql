-- The last part; its row comes back only where `held` gave one.
checkpoint AS (
    INSERT INTO workflow_checkpoints (execution_id, version, node_id, schema_version, sequence, state, checksum,
                                      error_message, metadata)
    SELECT held.id, held.version, %s, %s, %s, %s, %s, %s, %s
    FROM held
    RETURNING version
)
SELECT version FROM checkpoint
