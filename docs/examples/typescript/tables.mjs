// The rollout plan's tables, and how their rows read as a journal.
import pg from "pg";
import { parse } from "pg-connection-string";
import { EngineError } from "./protocol.mjs";

// Payloads stay the text that they are, and times keep their microseconds.
pg.types.setTypeParser(pg.types.builtins.JSON, (text) => text);
pg.types.setTypeParser(pg.types.builtins.TIMESTAMPTZ, (text) => text.replace(" ", "T").replace(/([+-]\d\d)$/, "$1:00"));

// `json` and not `jsonb`, which would turn 1e22, -0.0 and NUL into something else or refuse them.
const TABLES = `
  CREATE TABLE IF NOT EXISTS workflow_executions (
    id uuid PRIMARY KEY, workflow_id text NOT NULL, status text NOT NULL, current_node_id text, definition json NOT NULL,
    input json NOT NULL, output json, error text, metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(), started_at timestamptz, finished_at timestamptz);
  CREATE TABLE IF NOT EXISTS workflow_step_executions (
    execution_id uuid NOT NULL REFERENCES workflow_executions ON DELETE CASCADE, step_id text NOT NULL, node_id text NOT NULL,
    status text NOT NULL, attempt int NOT NULL DEFAULT 0, input json, output json, ports text[] NOT NULL DEFAULT '{}',
    error text, started_at timestamptz, finished_at timestamptz, PRIMARY KEY (execution_id, step_id));`;

/** What either engine does with the plan's tables. */
export class Tables {
  constructor(dsn) {
    const { options = "", ...given } = parse(dsn);
    // A small table would otherwise be read whole for each row of it that is wanted.
    this.pool = new pg.Pool({ ...given, options: `${options} -c enable_seqscan=off`.trim(), max: 1 });
    this.pool.on("error", () => {}); // a connection that was cut while nobody used it; the next query gets another
  }

  /** Creates the tables, and what else is given; of several workers one waits for the other. */
  async install(more = "") {
    await this.query(`DO $$ BEGIN PERFORM pg_advisory_xact_lock(hashtext('orchestrator.install')); ${TABLES} ${more} END $$`);
  }

  /** Keeps a new execution; one that is known stays as it is. */
  async begin({ execution_id: id, workflow, input, metadata }, version) {
    if ([workflow.id, ...Object.entries(metadata).flat()].some((text) => storable(text) !== text)) {
      throw new EngineError("PayloadRefused", "the workflow's id or its metadata has a NUL or half a character");
    }
    const kept = JSON.stringify({ ...metadata, orchestrator_version: version });
    await this.query(
      `INSERT INTO workflow_executions (id, workflow_id, status, definition, input, metadata)
       VALUES ($1, $2, 'pending', $3, $4, $5) ON CONFLICT DO NOTHING`,
      [id, workflow.id, JSON.stringify(workflow), input, kept],
    );
  }

  async find(id) {
    const [row] = await this.query("SELECT * FROM workflow_executions WHERE id = $1", [id]);
    if (!row) throw new EngineError("UnknownExecution", `no execution has the id ${id}`);
    return row;
  }

  /** The steps of an execution in the order in which they ended; those that have not come last. `first` are columns. */
  async steps(id, first = "") {
    return this.query(
      `SELECT * FROM workflow_step_executions WHERE execution_id = $1 ORDER BY ${first} finished_at, started_at, step_id`,
      [id],
    );
  }

  async journal(id) {
    const row = await this.find(id);
    const { workflow_id, status, current_node_id, input, output, error, created_at, started_at, finished_at } = row;
    const steps = (await this.steps(id)).map((step) => ({
      step_id: step.step_id, node_id: step.node_id, status: step.status, attempt: step.attempt, input: step.input,
      output: step.output, ports: step.ports, error: step.error, started_at: step.started_at, finished_at: step.finished_at,
    }));
    const metadata = row.metadata;
    return {
      execution: {
        id, workflow_id, status, current_node_id, input, output, error, metadata, created_at, started_at, finished_at,
      },
      steps,
    };
  }

  async query(text, values) {
    return (await this.pool.query(text, values)).rows;
  }

  async close() {
    await this.pool.end();
  }
}

/** A text without what a column of text refuses: NUL and half characters become escapes. */
export const storable = (text) => (
  text.replace(/[\0\p{Surrogate}]/gu, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`)
);
