// The edge function that is to replace V1: a lease with an epoch, idempotency keys, retries, waits and signals.
// Every step is durable before anything outside is asked for because of it, and nothing that an overtaken worker writes
// meets a row. An activity costs one statement: what it came to is written with all that follows as the next one begins.
import { portOf } from "./expressions.mjs";
import { ENDED, Walk, checkWorkflow, tooDeep } from "./graph.mjs";
import { objectOf, stringify } from "./json.mjs";
import { ActivityError, EngineError, serve } from "./protocol.mjs";
import { ADDED, END, KEEP } from "./statements.mjs";
import { Tables, storable } from "./tables.mjs";

const LEASE_MS = 25_000; // a worker that has not been heard of for so long may be taken for dead
const RENEW_MS = 5_000;
const LAST_MS = Date.parse("9999-12-31T00:00:00Z"); // what no deadline goes beyond

class OrchestratorV2 {
  constructor(dsn, outside) {
    this.tables = new Tables(dsn);
    this.outside = outside;
  }

  async install() {
    await this.tables.install(ADDED);
  }

  async execute(request) {
    checkWorkflow(request.workflow);
    refuse(request.input);
    await this.tables.begin(request, "v2");
    await this.resume(request.execution_id);
  }

  async resume(id, signal = null) {
    if (signal) await this.receive(id, signal);
    const now = this.outside.now();
    const [taken] = await this.tables.query(
      `UPDATE workflow_executions SET lease_epoch = lease_epoch + 1, lease_until = $2, status = 'running',
         started_at = coalesce(started_at, clock_timestamp())
       WHERE id = $1 AND status IN ('pending', 'running') AND (lease_until IS NULL OR lease_until <= $3) RETURNING *`,
      [id, new Date(now.getTime() + LEASE_MS), now],
    );
    if (taken) return new Drive(this.tables, this.outside, taken).run();
    if (!ENDED.has((await this.tables.find(id)).status)) {
      throw new EngineError("ExecutionHeld", `another worker holds execution ${id}`);
    }
  }

  async receive(id, { id: signalId, name, payload }) {
    refuse(payload);
    if (!signalId || !name || storable(signalId + name) !== signalId + name) {
      throw new EngineError("PayloadRefused", "a signal has an id and a name, without NUL and half characters");
    }
    await this.tables.query(
      `INSERT INTO workflow_signals (execution_id, id, name, payload)
       SELECT id, $2, $3, $4 FROM workflow_executions WHERE id = $1 AND finished_at IS NULL ON CONFLICT DO NOTHING`,
      [id, signalId, name, payload],
    );
  }

  async cancel(id) {
    await this.tables.find(id);
    await this.tables.query(
      `WITH ended AS (
         UPDATE workflow_executions SET status = 'cancelled', lease_epoch = lease_epoch + 1, finished_at = clock_timestamp()
         WHERE id = $1 AND finished_at IS NULL RETURNING id)
       UPDATE workflow_step_executions AS step SET status = 'cancelled', finished_at = clock_timestamp()
       FROM ended WHERE step.execution_id = ended.id AND step.finished_at IS NULL`,
      [id],
    );
  }

  async journal(id) {
    return this.tables.journal(id);
  }

  async close() {
    await this.tables.close();
  }
}

/** A worker's turn at one execution, from the lease that it has to its end. */
class Drive {
  /** @param {object} row the execution's */
  constructor(tables, outside, row) {
    this.tables = tables;
    this.outside = outside;
    this.row = row;
    this.unwritten = [];
  }

  async run() {
    const { id, definition, input } = this.row;
    this.walk = new Walk(JSON.parse(definition), input, await this.tables.steps(id, "place,"));
    for (;;) {
      const turn = this.walk.next();
      switch (turn.turn) {
        case "fail": return this.end("failed", null, turn.error, Walk.around(turn.stepId));
        case "end": {
          const problem = tooDeep(turn.output);
          return this.end(problem ? "failed" : "completed", problem ? null : turn.output, problem ?? null);
        }
        case "wait":
          if (!(await this.wake(turn.paused))) return this.letGo();
          break;
        default: await this.step(turn);
      }
    }
  }

  async step({ turn, stepId, node, input, output, ports, error, refused }) {
    const step = { step_id: stepId, node_id: node.id, attempt: 1, input };
    if (turn === "skip") return this.note({ ...step, status: "skipped", attempt: 0 });
    if (turn === "close") return this.note(error ? { ...step, status: "failed", error } : { ...step, status: "completed", output, ports });
    if (refused) return this.note({ ...step, status: "failed", input: null, error: refused });
    switch (node.kind) {
      case "activity": return this.activity(step, node);
      case "wait": return this.pause(step, node);
      case "loop": return this.evaluated(step, () => (this.walk.open(stepId, node, input), { status: "running" }));
      case "condition": return this.evaluated(step, () => ({ status: "completed", output: input, ports: [portOf(node, input)] }));
      default: return this.note({ ...step, status: "completed", output: input, ports: ["out"] });
    }
  }

  /** Notes what an expression leads to, or the step as failed. */
  evaluated(step, evaluate) {
    let more;
    try {
      more = evaluate();
    } catch (problem) {
      more = { status: "failed", error: storable(problem.message) };
    }
    return this.note({ ...step, ...more });
  }

  async activity(first, node) {
    let step = this.walk.steps.get(first.step_id) ?? first; // what a worker that died has left
    for (;;) {
      if (step.status === "retrying") {
        await this.outside.sleepUntil(new Date(step.due_at));
        step = { ...step, attempt: step.attempt + 1 };
      }
      // Whoever was overtaken learns of it here, before it asks for anything.
      step = await this.keep({ ...step, status: "running", due_at: null });
      try {
        return this.note({ ...step, status: "completed", ...(await this.call(step, node)) });
      } catch (problem) {
        if (!(problem instanceof ActivityError)) throw problem;
        if (!problem.retryable || step.attempt > node.retry.max_retries) return this.giveUp(step, node, problem);
        step = await this.keep({ ...step, status: "retrying", due_at: this.nextDue(node.retry, step.attempt) });
      }
    }
  }

  async call(step, node) {
    const renewing = setInterval(() => void this.renew(), RENEW_MS);
    this.called = performance.now();
    try {
      const answer = await this.outside.call({
        executionId: this.row.id, stepId: step.step_id, activity: node.activity, attempt: step.attempt, input: step.input,
        key: `${this.row.id}:${step.step_id}`,
      });
      const odd = answer.ports.some((port) => storable(port) !== port);
      if (odd || tooDeep(answer.output)) throw new ActivityError("the answer cannot be kept", false);
      return answer;
    } finally {
      clearInterval(renewing);
    }
  }

  giveUp(step, node, { message }) {
    const ports = { fail: [], continue: ["out"], route: ["error"] }[node.on_error];
    const output = node.on_error === "fail" ? null : objectOf([["error", stringify(message)]]);
    return this.note({ ...step, status: "failed", output, ports, error: storable(message) });
  }

  nextDue({ initial_ms, factor, cap_ms, jitter }, attempt) {
    const delay = Math.min(cap_ms, initial_ms * factor ** (attempt - 1) || 0) * (1 - jitter * Math.random());
    return this.after(delay);
  }

  after(ms) {
    return new Date(Math.min(LAST_MS, this.outside.now().getTime() + Math.ceil(ms)));
  }

  async pause(step, node) {
    const [early] = node.signal === null ? [] : await this.signals(node.signal);
    if (early) return this.keep({ ...step, status: "completed", output: early.payload, ports: ["out"], signal: early.id });
    return this.keep({ ...step, status: "paused", due_at: node.timeout_ms === null ? null : this.after(node.timeout_ms) });
  }

  /** Ends one of the paused waits, where its signal has come or its time is up. */
  async wake(paused) {
    const waits = paused.map(({ stepId, node }) => ({ node, step: this.walk.steps.get(stepId) }));
    waits.sort((one, other) => (one.step.started_at < other.step.started_at ? -1 : 1));
    for (const { id, name, payload } of await this.signals(null)) {
      const wait = waits.find(({ node }) => node.signal === name);
      if (wait) return this.keep({ ...wait.step, status: "completed", output: payload, ports: ["out"], due_at: null, signal: id });
    }
    const due = waits.filter(({ step }) => step.due_at !== null && new Date(step.due_at) <= this.outside.now());
    if (!due.length) return null;
    const { node, step } = due.reduce((one, other) => (new Date(other.step.due_at) < new Date(one.step.due_at) ? other : one));
    const isOver = node.signal === null ? { output: step.input, ports: ["out"] } : { output: "null", ports: ["timeout"] };
    return this.keep({ ...step, status: "completed", ...isOver, due_at: null });
  }

  /** The signals that no wait has used, of one name or of all. */
  async signals(name) {
    return this.tables.query(
      `SELECT id, name, payload FROM workflow_signals
       WHERE execution_id = $1 AND step_id IS NULL AND ($2::text IS NULL OR name = $2) ORDER BY position`,
      [this.row.id, name],
    );
  }

  /** Takes a step as it is now; it is written with the next one that asks somebody for something. */
  note({ input = null, output = null, ports = [], error = null, due_at = null, ...step }) {
    const noted = this.walk.take({ ...step, input, output, ports, error, due_at });
    this.unwritten.push(noted);
    return noted;
  }

  /** Takes a step and writes it with all that was noted, and uses up its signal. */
  async keep({ signal = null, ...step }) {
    const { step_id } = this.note(step);
    await this.write(signal);
    return this.walk.steps.get(step_id);
  }

  /** Writes what was noted, unless another worker has taken over. */
  async write(signal = null) {
    const { id, lease_epoch } = this.row;
    const steps = new Map(this.unwritten.map((step) => [step.step_id, step])); // of one step the newest
    const [{ step_id, node_id }] = this.unwritten.slice(-1);
    const rows = [...steps.values()].map(({ order, ...step }) => ({ ...step, place: order ?? null, is_over: ENDED.has(step.status) }));
    const kept = await this.tables.query(KEEP, [id, lease_epoch, step_id, node_id, this.leaseUntil(), signal, JSON.stringify(rows)]);
    if (!kept.length) throw this.lost();
    this.unwritten = [];
    for (const { step_id: one, started_at } of kept) this.walk.steps.get(one).started_at = started_at;
  }

  leaseUntil(passedMs = 0) {
    return new Date(this.outside.now().getTime() + passedMs + LEASE_MS);
  }

  /** Holds the lease while an activity runs. The clock is not seen to move meanwhile; it is at most half as fast again as this one. */
  async renew() {
    const until = this.leaseUntil(1.5 * (performance.now() - this.called));
    await this.tables.query(
      "UPDATE workflow_executions SET lease_until = $3 WHERE id = $1 AND lease_epoch = $2 AND status = 'running'",
      [this.row.id, this.row.lease_epoch, until],
    ).catch(() => {}); // the next write tells
  }

  async letGo() {
    if (this.unwritten.length) await this.write();
    const { id, lease_epoch } = this.row;
    const rows = await this.tables.query(
      "UPDATE workflow_executions SET lease_until = NULL WHERE id = $1 AND lease_epoch = $2 AND status = 'running' RETURNING id",
      [id, lease_epoch],
    );
    if (!rows.length) throw this.lost();
  }

  /** Ends the execution, the loops around what failed, and what else is open. */
  async end(status, output, error, loops = []) {
    if (this.unwritten.length) await this.write();
    const { id, lease_epoch } = this.row;
    const ended = await this.tables.query(END, [id, lease_epoch, status, output, error, loops]);
    if (!ended.length) throw this.lost();
  }

  lost() {
    return new EngineError("LeaseLost", `another worker has taken over execution ${this.row.id}`);
  }
}

function refuse(payload) {
  const problem = tooDeep(payload);
  if (problem) throw new EngineError("PayloadRefused", problem);
}

const offers = ["cancel", "signals", "signal_ids", "waits", "retries", "loops", "injected_clock", "lease", "concurrent_workers"];
serve({ name: "orchestrator-v2", capabilities: offers }, (dsn, outside) => new OrchestratorV2(dsn, outside));
