// What V2 adds to the plan's tables, and the statements by which a worker that has the lease writes.

export const ADDED = `
  ALTER TABLE workflow_executions
    ADD COLUMN IF NOT EXISTS lease_epoch int NOT NULL DEFAULT 0, ADD COLUMN IF NOT EXISTS lease_until timestamptz;
  ALTER TABLE workflow_step_executions ADD COLUMN IF NOT EXISTS due_at timestamptz, ADD COLUMN IF NOT EXISTS place int;
  CREATE TABLE IF NOT EXISTS workflow_signals (
    execution_id uuid NOT NULL REFERENCES workflow_executions ON DELETE CASCADE, id text NOT NULL,
    position bigint GENERATED ALWAYS AS IDENTITY, name text NOT NULL, payload json NOT NULL, step_id text,
    PRIMARY KEY (execution_id, id));`;

/**
 * Writes steps, the newest last, and uses up a signal. `json_to_recordset` is given payloads as texts, since a text in
 * JSON would lose its NUL and half characters on the way.
 */
export const KEEP = `WITH held AS (
   UPDATE workflow_executions SET current_node_id = $4, lease_until = $5
   WHERE id = $1 AND lease_epoch = $2 AND status = 'running' RETURNING id),
 used AS (
   UPDATE workflow_signals SET step_id = $3 FROM held WHERE execution_id = held.id AND workflow_signals.id = $6)
 INSERT INTO workflow_step_executions
   (execution_id, step_id, node_id, status, attempt, input, output, ports, error, due_at, place, started_at, finished_at)
 SELECT id, step_id, node_id, status, attempt, input::json, output::json,
   ARRAY (SELECT json_array_elements_text(ports)), error, due_at, place,
   CASE WHEN attempt > 0 THEN clock_timestamp() END, CASE WHEN is_over THEN clock_timestamp() END
 FROM held, json_to_recordset($7) AS step
   (step_id text, node_id text, status text, attempt int, input text, output text, ports json, error text,
    due_at timestamptz, place int, is_over bool)
 ON CONFLICT (execution_id, step_id) DO UPDATE SET (status, attempt, output, ports, error, due_at, place, finished_at) =
   (excluded.status, excluded.attempt, excluded.output, excluded.ports, excluded.error, excluded.due_at,
    excluded.place, excluded.finished_at)
 RETURNING step_id, started_at`;

/** Ends the execution, as failed the loops around what failed, and as cancelled what else is open. */
export const END = `WITH ended AS (
   UPDATE workflow_executions SET status = $3, output = $4, error = $5, lease_until = NULL, finished_at = clock_timestamp()
   WHERE id = $1 AND lease_epoch = $2 AND status = 'running' RETURNING id),
 closed AS (
   UPDATE workflow_step_executions AS step SET finished_at = clock_timestamp(), due_at = NULL,
     status = CASE WHEN step_id = ANY ($6) THEN 'failed' ELSE 'cancelled' END,
     error = CASE WHEN step_id = ANY ($6) THEN $5 END
   FROM ended WHERE step.execution_id = ended.id AND step.finished_at IS NULL)
 SELECT id FROM ended`;
