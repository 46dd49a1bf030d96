-- Consultar logs recentes
SELECT 
  event_message,
  timestamp
FROM edge_logs
WHERE function_id = 'execute-workflow'
  AND event_message LIKE '%Using orchestrator%'
ORDER BY timestamp DESC
LIMIT 10;
