-- Listar workflows pausados há muito tempo
SELECT 
  we.id,
  we.workflow_id,
  we.current_node_id,
  we.started_at,
  NOW() - we.started_at as duration_paused
FROM workflow_executions we
WHERE we.status = 'running'
  AND EXISTS (
    SELECT 1 FROM workflow_step_executions wse
    WHERE wse.execution_id = we.id
      AND wse.status = 'paused'
  )
  AND we.started_at < NOW() - INTERVAL '30 minutes'
ORDER BY duration_paused DESC;
