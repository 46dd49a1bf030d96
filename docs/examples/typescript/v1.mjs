// The edge function of today. It writes a row a step and begins again at the step where it died: what that step had
// done is done twice. It has no lease, no idempotency keys, and no retries.
import { portOf } from "./expressions.mjs";
import { ENDED, Walk, checkWorkflow, tooDeep } from "./graph.mjs";
import { objectOf, stringify } from "./json.mjs";
import { ActivityError, EngineError, serve } from "./protocol.mjs";
import { Tables, storable } from "./tables.mjs";

class OrchestratorV1 {
  constructor(dsn, outside) {
    this.tables = new Tables(dsn);
    this.outside = outside;
  }

  async install() {
    await this.tables.install();
  }

  async execute(request) {
    checkWorkflow(request.workflow);
    const problem = tooDeep(request.input);
    if (problem) throw new EngineError("PayloadRefused", problem);
    await this.tables.begin(request, "v1");
    await this.resume(request.execution_id);
  }

  async resume(id) {
    const row = await this.tables.find(id);
    if (ENDED.has(row.status)) return;
    await this.tables.query(
      "UPDATE workflow_executions SET status = 'running', started_at = coalesce(started_at, clock_timestamp()) WHERE id = $1",
      [id],
    );
    const walk = new Walk(JSON.parse(row.definition), row.input, await this.tables.steps(id));
    for (;;) {
      const turn = walk.next();
      if (turn.turn === "end") {
        const problem = tooDeep(turn.output);
        return this.end(id, problem ? "failed" : "completed", problem ? null : turn.output, problem ?? null);
      }
      if (turn.turn === "fail") return this.end(id, "failed", null, turn.error, Walk.around(turn.stepId));
      await this.step(id, walk, turn);
    }
  }

  async step(id, walk, { turn, stepId, node, input, output, ports, error, refused }) {
    const keep = async (status, more = {}) => walk.take(await this.keep(id, stepId, node, { status, input, ...more }));
    if (turn === "skip") return keep("skipped");
    if (turn === "close") return keep(error ? "failed" : "completed", error ? { error } : { output, ports });
    if (refused) return keep("failed", { input: null, error: refused });
    if (node.kind !== "activity") {
      try {
        if (node.kind === "loop") {
          walk.open(stepId, node, input);
          return await keep("running");
        }
        return await keep("completed", { output: input, ports: node.kind === "condition" ? [portOf(node, input)] : ["out"] });
      } catch (problem) {
        return keep("failed", { error: storable(problem.message) });
      }
    }
    await keep("running");
    try {
      return await keep("completed", await this.outside.call({ executionId: id, stepId, activity: node.activity, attempt: 1, input }));
    } catch (problem) {
      if (!(problem instanceof ActivityError)) throw problem;
      const left = { continue: ["out"], route: ["error"] }[node.on_error];
      const told = left ? { output: objectOf([["error", stringify(problem.message)]]), ports: left } : {};
      return keep("failed", { ...told, error: storable(problem.message) });
    }
  }

  async keep(id, stepId, node, { status, input = null, output = null, ports = [], error = null }) {
    const [row] = await this.tables.query(
      `WITH at AS (UPDATE workflow_executions SET current_node_id = $3 WHERE id = $1)
       INSERT INTO workflow_step_executions AS step
         (execution_id, step_id, node_id, status, attempt, input, output, ports, error, started_at, finished_at)
       VALUES ($1, $2, $3, $4, CASE WHEN $4 = 'skipped' THEN 0 ELSE 1 END, $5, $6, $7, $8,
         CASE WHEN $4 <> 'skipped' THEN clock_timestamp() END, CASE WHEN $9 THEN clock_timestamp() END)
       ON CONFLICT (execution_id, step_id) DO UPDATE SET
         status = excluded.status, output = excluded.output, ports = excluded.ports, error = excluded.error,
         finished_at = excluded.finished_at
       RETURNING *`,
      [id, stepId, node.id, status, input, output, ports, error, ENDED.has(status)],
    );
    return row;
  }

  async end(id, status, output, error, loops = []) {
    await this.tables.query(
      `WITH loops AS (
         UPDATE workflow_step_executions SET finished_at = clock_timestamp(), error = CASE WHEN step_id = ANY ($5) THEN $4 END,
           status = CASE WHEN step_id = ANY ($5) THEN 'failed' ELSE 'cancelled' END
         WHERE execution_id = $1 AND finished_at IS NULL)
       UPDATE workflow_executions SET status = $2, output = $3, error = $4, finished_at = clock_timestamp() WHERE id = $1`,
      [id, status, output, error, loops],
    );
  }

  async cancel(id) {
    if (!ENDED.has((await this.tables.find(id)).status)) await this.end(id, "cancelled", null, null);
  }

  async journal(id) {
    return this.tables.journal(id);
  }

  async close() {
    await this.tables.close();
  }
}

const offers = ["cancel", "loops", "injected_clock", "concurrent_workers"];
serve({ name: "orchestrator-v1", capabilities: offers }, (dsn, outside) => new OrchestratorV1(dsn, outside));
