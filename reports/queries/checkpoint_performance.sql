-- Duração média de checkpoints
SELECT 
  AVG((metadata->>'duration_ms')::numeric) as avg_duration_ms,
  PERCENTILE_CONT(0.95) WITHIN GROUP (ORDER BY (metadata->>'duration_ms')::numeric) as p95_duration_ms,
  COUNT(*) as total_checkpoints
FROM workflow_checkpoints
WHERE created_at > NOW() - INTERVAL '1 hour';
