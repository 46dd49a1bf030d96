-- Identificar checkpoints falhados
SELECT 
  execution_id,
  node_id,
  error_message,
  COUNT(*) as failures
FROM workflow_checkpoints
WHERE metadata->>'error' IS NOT NULL
  AND created_at > NOW() - INTERVAL '1 hour'
GROUP BY execution_id, node_id, error_message
ORDER BY failures DESC;
