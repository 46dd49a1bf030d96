// The protocol of Cutover, version 1: lines of JSON on standard input and output. Nothing here needs to be changed.
// The specification is docs/protocol.md of Cutover.
import { createInterface } from "node:readline";

/** An error that Cutover knows by its type: UnknownExecution, ExecutionHeld, LeaseLost, WorkflowRefused, ... */
export class EngineError extends Error {
  constructor(type, message) {
    super(message);
    this.type = type;
  }
}

/** What an activity failed with; where it is not `retryable` no other attempt helps. */
export class ActivityError extends Error {
  constructor(message, retryable) {
    super(message);
    this.retryable = retryable;
  }
}

/** The world outside the engine. The clock is Cutover's: never use Date.now() for deadlines. */
export class Outside {
  #open = new Map();
  #asked = 0;
  #now = new Date(0);

  /** The time, as a Date. */
  now() {
    return this.#now;
  }

  /** Has an activity done; `input` and the answer's `output` are JSON texts. Throws ActivityError. */
  async call({ executionId, stepId, activity, attempt, key, input }) {
    const answer = await this.#ask("call", {
      execution_id: executionId, step_id: stepId, activity, attempt, idempotency_key: key, input,
    });
    if (answer.error) throw new ActivityError(answer.error.message, answer.error.retryable);
    return { output: answer.output, ports: answer.ports };
  }

  /** Waits until the clock shows the time. */
  async sleepUntil(date) {
    if (date > this.#now) await this.#ask("sleep", { until: date.toISOString() });
  }

  /** Writes a line to the log of the execution. */
  log(line) {
    say({ op: "log", line });
  }

  #ask(op, keys) {
    const id = ++this.#asked;
    say({ op, id, ...keys });
    return new Promise((resolve) => this.#open.set(id, resolve));
  }

  /** Takes in a message of Cutover's. */
  receive(message) {
    this.#now = new Date(message.now);
    if (message.op !== "answer") return;
    const resolve = this.#open.get(message.id);
    this.#open.delete(message.id);
    resolve(message);
  }
}

function say(message) {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

/** Answers Cutover until it closes standard input. `make(dsn, outside)` returns the engine. */
export function serve(hello, make) {
  const outside = new Outside();
  let engine = null;
  let dsn = null;

  async function carryOut(message) {
    engine ??= make(dsn, outside);
    switch (message.op) {
      case "install": return engine.install();
      case "execute": return engine.execute(message);
      case "resume": return engine.resume(message.execution_id, message.signal);
      case "cancel": return engine.cancel(message.execution_id);
      case "journal": return engine.journal(message.execution_id);
      default: throw new EngineError("EngineError", `no command ${message.op}`);
    }
  }

  async function take(message) {
    outside.receive(message);
    if (message.op === "answer") return;
    if (message.op === "hello") {
      dsn = message.dsn;
      say({ op: "hello", protocol: 1, ...hello });
      return;
    }
    try {
      const result = (await carryOut(message)) ?? null;
      say({ op: "done", id: message.id, result });
    } catch (error) {
      // `code` of an error of Postgres is an SQLSTATE
      const sqlstate = /^[0-9A-Z]{5}$/.test(error.code ?? "") ? error.code : null;
      const type = error.type ?? error.name ?? "Error";
      say({ op: "done", id: message.id, error: { type, message: String(error.message), sqlstate, trace: error.stack } });
    }
  }

  const lines = createInterface({ input: process.stdin, crlfDelay: Infinity });
  lines.on("line", (line) => void take(JSON.parse(line)));
  lines.on("close", async () => {
    await engine?.close();
    process.exit(0);
  });
  console.log = console.error; // standard output is for messages alone
}
