-- V1 vs V2 - Taxa de conclusão
SELECT 
  CASE 
    WHEN metadata->>'orchestrator_version' = 'v2' THEN 'V2'
    ELSE 'V1'
  END as version,
  COUNT(*) FILTER (WHERE status = 'completed') * 100.0 / COUNT(*) as success_rate
FROM workflow_executions
WHERE created_at > NOW() - INTERVAL '24 hours'
GROUP BY version;
