-- Taxa de sucesso após retry
SELECT 
  retry_count,
  COUNT(*) as total,
  COUNT(*) FILTER (WHERE status = 'success') as successes,
  COUNT(*) FILTER (WHERE status = 'success') * 100.0 / COUNT(*) as success_rate
FROM workflow_metrics
WHERE recorded_at > NOW() - INTERVAL '24 hours'
GROUP BY retry_count
ORDER BY retry_count;
