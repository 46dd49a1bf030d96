// A small engine: activities with retries, conditions and joins, each step kept in Postgres before the next one begins.
// `cutover try mine` plays a scenario with it. It has no loops and no waits yet, and refuses workflows that need them.
import jmespath from "jmespath";
import pg from "pg";
import { ActivityError, EngineError, serve } from "./protocol.mjs";

const LEASE_MS = 30_000; // a worker that has not been heard of for so long may be taken for dead
const ENDED = new Set(["completed", "failed", "skipped", "cancelled"]);
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS mine_executions (
    id uuid PRIMARY KEY, workflow text NOT NULL, workflow_id text NOT NULL, status text NOT NULL, current_node_id text,
    input text NOT NULL, output text, error text, metadata text NOT NULL, epoch int NOT NULL DEFAULT 0,
    lease_until timestamptz, created_at timestamptz NOT NULL DEFAULT now(), finished_at timestamptz);
  CREATE TABLE IF NOT EXISTS mine_steps (
    execution_id uuid REFERENCES mine_executions, step_id text, status text NOT NULL, attempt int NOT NULL,
    input text, output text, ports text[] NOT NULL, error text, due_at timestamptz,
    started_at timestamptz NOT NULL DEFAULT now(), finished_at timestamptz,
    PRIMARY KEY (execution_id, step_id))`;

class Engine {
  constructor(dsn, outside) {
    this.outside = outside;
    this.pool = new pg.Pool({ connectionString: dsn, max: 1 });
    this.pool.on("error", () => {}); // a connection that was cut while nobody used it; the next query gets another
  }

  async install() {
    // of several workers that install at the same time one waits for the other
    await this.query(`DO $$ BEGIN PERFORM pg_advisory_xact_lock(hashtext('mine.install')); ${SCHEMA}; END $$`);
  }

  async execute({ execution_id: id, workflow, input, metadata }) {
    refuse(workflow);
    await this.query(
      `INSERT INTO mine_executions (id, workflow, workflow_id, status, input, metadata)
       VALUES ($1, $2, $3, 'pending', $4, $5) ON CONFLICT DO NOTHING`,
      [id, JSON.stringify(workflow), workflow.id, input, JSON.stringify(metadata)],
    );
    await this.resume(id);
  }

  async resume(id) {
    const now = this.outside.now();
    const taken = await this.query(
      `UPDATE mine_executions SET epoch = epoch + 1, lease_until = $2, status = 'running'
       WHERE id = $1 AND status IN ('pending', 'running') AND (lease_until IS NULL OR lease_until <= $3) RETURNING *`,
      [id, new Date(now.getTime() + LEASE_MS), now],
    );
    if (taken.length) return this.drive(taken[0]);
    const { status } = await this.find(id);
    if (!ENDED.has(status)) throw new EngineError("ExecutionHeld", `another worker holds execution ${id}`);
  }

  async cancel(id) {
    await this.find(id);
    await this.query(
      `WITH ended AS (
         UPDATE mine_executions SET status = 'cancelled', epoch = epoch + 1, lease_until = NULL, finished_at = now()
         WHERE id = $1 AND status IN ('pending', 'running') RETURNING id)
       UPDATE mine_steps SET status = 'cancelled', finished_at = now() FROM ended
       WHERE execution_id = ended.id AND mine_steps.status IN ('running', 'retrying')`,
      [id],
    );
  }

  async journal(id) {
    const row = await this.find(id);
    const steps = await this.query("SELECT * FROM mine_steps WHERE execution_id = $1 ORDER BY started_at, step_id", [id]);
    return {
      execution: {
        id, workflow_id: row.workflow_id, status: row.status, current_node_id: row.current_node_id, input: row.input,
        output: row.output, error: row.error, metadata: JSON.parse(row.metadata), created_at: row.created_at,
        started_at: row.created_at, finished_at: row.finished_at,
      },
      steps: steps.map(({ step_id, status, attempt, input, output, ports, error, started_at, finished_at }) => (
        { step_id, status, attempt, input, output, ports, error, started_at, finished_at })),
    };
  }

  async close() {
    await this.pool.end();
  }

  /** Runs what is ready, in the order of the nodes, until nothing is. `run` is the execution's row. */
  async drive(run) {
    const workflow = JSON.parse(run.workflow);
    const rows = await this.query("SELECT * FROM mine_steps WHERE execution_id = $1", [run.id]);
    const steps = new Map(rows.map((row) => [row.step_id, row]));
    for (let node; (node = workflow.nodes.find((each) => isReady(each, workflow, steps))); ) {
      const taken = edgesTo(node, workflow).filter((edge) => isTaken(edge, steps));
      if (!taken.length && node.kind !== "start") {
        await this.keep(run, steps, { step_id: node.id, status: "skipped", attempt: 0 });
        continue;
      }
      const input = node.kind === "start" ? run.input : joined(node.mode === "any" ? taken.slice(0, 1) : taken, steps);
      const step = await this.run(run, steps, node, input);
      if (step.status === "failed" && (node.kind !== "activity" || node.on_error === "fail")) {
        return this.end(run, "failed", null, step.error);
      }
    }
    const last = workflow.nodes.filter((node) => {
      const leads = workflow.edges.some((edge) => edge.source === node.id && isTaken(edge, steps));
      return steps.get(node.id)?.status !== "skipped" && !leads;
    });
    return this.end(run, "completed", joined(last.map((node) => ({ source: node.id })), steps), null);
  }

  /** Runs one node to its end, and returns its step. */
  async run(run, steps, node, input) {
    const step = { step_id: node.id, attempt: 1, input };
    if (node.kind === "activity") return this.callActivity(run, steps, node, input);
    if (node.kind === "condition") {
      try {
        step.ports = [portOf(node, jmespath.search(JSON.parse(input), node.expression))];
      } catch (error) {
        return this.keep(run, steps, { ...step, status: "failed", error: `condition: ${error.message}` });
      }
    }
    return this.keep(run, steps, { ...step, status: "completed", output: input, ports: step.ports ?? ["out"] });
  }

  async callActivity(run, steps, node, input) {
    const before = steps.get(node.id); // of a worker that died in the middle of it
    let step = before ?? (await this.keep(run, steps, { step_id: node.id, status: "running", attempt: 1, input }));
    for (;;) {
      if (step.status === "retrying") {
        await this.outside.sleepUntil(step.due_at);
        step = await this.keep(run, steps, { ...step, status: "running", due_at: null });
      }
      try {
        const { output, ports } = await this.outside.call({
          executionId: run.id, stepId: node.id, activity: node.activity, attempt: step.attempt, input,
          key: `${run.id}:${node.id}`,
        });
        return this.keep(run, steps, { ...step, status: "completed", output, ports });
      } catch (error) {
        if (!(error instanceof ActivityError)) throw error;
        if (!error.retryable || step.attempt > node.retry.max_retries) return this.fail(run, steps, node, step, error);
        const { initial_ms, factor, cap_ms } = node.retry;
        const due = new Date(this.outside.now().getTime() + Math.min(cap_ms, initial_ms * factor ** (step.attempt - 1)));
        step = await this.keep(run, steps, { ...step, status: "retrying", attempt: step.attempt + 1, due_at: due });
      }
    }
  }

  async fail(run, steps, node, step, { message }) {
    const output = node.on_error === "fail" ? null : JSON.stringify({ error: message });
    const ports = { fail: [], continue: ["out"], route: ["error"] }[node.on_error];
    return this.keep(run, steps, { ...step, status: "failed", output, ports, error: message });
  }

  /** Writes a step, unless another worker has taken over. */
  async keep(run, steps, { step_id, status, attempt, input = null, output = null, ports = [], error = null, due_at = null }) {
    const lease = new Date(this.outside.now().getTime() + LEASE_MS);
    const [kept] = await this.query(
      `WITH held AS (
         UPDATE mine_executions SET current_node_id = $3, lease_until = $11
         WHERE id = $1 AND epoch = $2 AND status = 'running' RETURNING id)
       INSERT INTO mine_steps (execution_id, step_id, status, attempt, input, output, ports, error, due_at, finished_at)
       SELECT id, $3, $4, $5, $6, $7, $8, $9, $10, CASE WHEN $12 THEN now() END FROM held
       ON CONFLICT (execution_id, step_id) DO UPDATE SET (status, attempt, output, ports, error, due_at, finished_at) =
         (excluded.status, excluded.attempt, excluded.output, excluded.ports, excluded.error, excluded.due_at,
          excluded.finished_at)
       RETURNING *`,
      [run.id, run.epoch, step_id, status, attempt, input, output, ports, error, due_at, lease, ENDED.has(status)],
    );
    if (!kept) throw new EngineError("LeaseLost", `another worker has taken over execution ${run.id}`);
    steps.set(step_id, kept);
    return kept;
  }

  async end(run, status, output, error) {
    const ended = await this.query(
      `UPDATE mine_executions SET status = $3, output = $4, error = $5, lease_until = NULL, finished_at = now()
       WHERE id = $1 AND epoch = $2 AND status = 'running' RETURNING id`,
      [run.id, run.epoch, status, output, error],
    );
    if (!ended.length) throw new EngineError("LeaseLost", `another worker has taken over execution ${run.id}`);
  }

  async find(id) {
    const [row] = await this.query("SELECT * FROM mine_executions WHERE id = $1", [id]);
    if (!row) throw new EngineError("UnknownExecution", `no execution has the id ${id}`);
    return row;
  }

  async query(text, values) {
    return (await this.pool.query(text, values)).rows;
  }
}

function refuse(workflow) {
  const odd = workflow.nodes.find((node) => !["start", "activity", "condition", "join"].includes(node.kind));
  if (odd) throw new EngineError("WorkflowRefused", `node ${odd.id}: this engine has no ${odd.kind}`);
}

const edgesTo = (node, workflow) => workflow.edges.filter((edge) => edge.target === node.id);
const hasLeft = (step) => step !== undefined && ENDED.has(step.status);
const isTaken = (edge, steps) => hasLeft(steps.get(edge.source)) && steps.get(edge.source).ports.includes(edge.port);

function isReady(node, workflow, steps) {
  if (hasLeft(steps.get(node.id))) return false;
  const edges = edgesTo(node, workflow);
  if (node.mode === "any" && edges.some((edge) => isTaken(edge, steps))) return true;
  return edges.every((edge) => hasLeft(steps.get(edge.source)));
}

/** The output of one source, or an object of the outputs of several; made of their texts, so that no number is rounded. */
function joined(edges, steps) {
  const sources = [...new Set(edges.map((edge) => edge.source))];
  if (sources.length === 1) return steps.get(sources[0]).output;
  return `{${sources.map((id) => `${JSON.stringify(id)}:${steps.get(id).output}`).join(",")}}`;
}

// JSON.parse rounds integers beyond 2^53: a condition that compares such numbers needs another reader of JSON.
function portOf(node, value) {
  if (node.cases.length) return node.cases.find((each) => JSON.parse(each.value) === value)?.port ?? "default";
  const empty = value === null || value === false || value === "" || (typeof value === "object" && !Object.keys(value).length);
  return empty ? "false" : "true";
}

const offers = ["cancel", "retries", "injected_clock", "lease", "concurrent_workers"];
serve({ name: "mine", capabilities: offers }, (dsn, outside) => new Engine(dsn, outside));
