-- Top 10 transições mais frequentes
SELECT 
  payload->>'from_state' as from_state,
  payload->>'to_state' as to_state,
  COUNT(*) as count
FROM workflow_events
WHERE event_type = 'STATE_TRANSITION'
  AND timestamp > NOW() - INTERVAL '24 hours'
GROUP BY from_state, to_state
ORDER BY count DESC
LIMIT 10;
