-- Ends an execution whose rows do not agree with its checkpoints, or cannot be read: every step that has not ended is
-- cancelled as its row stands, with its event, those inside a loop before the loop. No checkpoint is added, since there is
-- nothing that it could be chained to, and no metric, since only the definition says which steps are activities.
-- The guard is the epoch of the claim before: since then no other worker has written anything.
WITH open AS (
    SELECT step_id, node_id, attempt, status::text AS status,
           CASE WHEN status = 'pending' THEN 'SKIP' ELSE 'CANCEL' END AS event,
           CASE WHEN status = 'pending' THEN 'skipped' ELSE 'cancelled' END AS ends,
           row_number() OVER (ORDER BY step_id COLLATE "C" DESC) AS position
    FROM workflow_step_executions
    WHERE execution_id = %(id)s AND status IN ('pending', 'running', 'retrying', 'paused')
),
newest AS (
    SELECT greatest(e.last_sequence, (SELECT max(sequence) FROM workflow_events WHERE execution_id = e.id)) AS sequence
    FROM workflow_executions e
    WHERE e.id = %(id)s
),
held AS (
    UPDATE workflow_executions e
    SET status = 'cancelled', output = NULL, error = %(error)s, finished_at = clock_timestamp(), lease_owner = NULL,
        lease_expires_at = NULL, last_sequence = newest.sequence + (SELECT count(*) FROM open) + 1
    FROM newest
    WHERE e.id = %(id)s AND e.status = 'running' AND e.lease_epoch = %(epoch)s
    RETURNING e.id, newest.sequence
),
steps AS (
    UPDATE workflow_step_executions s
    SET status = open.ends, finished_at = clock_timestamp()
    FROM held, open
    WHERE s.execution_id = held.id AND s.step_id = open.step_id
),
ended AS (
    SELECT held.id, held.sequence + open.position AS sequence, 'step' AS scope, open.step_id, open.node_id, open.attempt,
           open.status, open.event, open.ends
    FROM held, open
    UNION ALL
    SELECT held.id, held.sequence + (SELECT count(*) FROM open) + 1, 'execution', NULL, NULL, NULL, 'running', 'CANCEL',
           'cancelled'
    FROM held
),
events AS (
    INSERT INTO workflow_events (execution_id, sequence, event_type, transition, step_id, node_id, attempt, payload)
    SELECT id, sequence, 'STATE_TRANSITION',
           concat_ws(' ', scope, status, event, ends)::workflow_transition, step_id, node_id, attempt,
           jsonb_build_object('from_state', status, 'event', event, 'to_state', ends)
    FROM ended
)
SELECT sequence, step_id, node_id, attempt, status, event, ends FROM ended ORDER BY sequence
