// What a workflow means: which step's turn it is, from the rows of its steps. Both engines walk it, each in its own way.
import { EngineError } from "./protocol.mjs";
import { check, itemsOf } from "./expressions.mjs";
import { MAX_DEPTH, depthOf, objectOf } from "./json.mjs";

export const ENDED = new Set(["completed", "failed", "skipped", "cancelled"]);
const HARD = /[\0\p{Surrogate}]/u; // what no column of text can hold
const shapes = new WeakMap();

/**
 * @typedef {{ step_id: string, node_id: string, status: string, attempt: number, input: ?string, output: ?string,
 *   ports: string[], error: ?string, due_at: ?string, order: number }} Step  `order` is the place among the ends
 * @typedef {{ stepId: string, node: object, input?: string, refused?: string }} Place
 */

/** One execution as far as its steps' rows say. */
export class Walk {
  /** @param {object} workflow @param {string} input @param {Step[]} rows in the order in which they ended */
  constructor(workflow, input, rows) {
    this.workflow = workflow;
    this.input = input;
    this.steps = new Map();
    this.ended = 0;
    this.failed = null; // the step that failed for good
    this.items = new Map();
    this.courses = new Map(); // how far each loop is
    for (const row of rows) this.take(row);
  }

  /** Takes a row in, and returns it with its place among the ends. @returns {Step} */
  take(row) {
    const before = this.steps.get(row.step_id)?.order;
    const order = before ?? (ENDED.has(row.status) ? (this.ended += 1) : undefined);
    const step = { ...row, order };
    this.steps.set(row.step_id, step);
    if (row.status === "failed" && row.output === null) this.failed ??= row;
    return step;
  }

  /**
   * The next turn: `skip` or `run` a step, `close` a loop that is over, `fail`, `end`, or `wait` for one of `paused`.
   * @returns {{ turn: string, output?: string, ports?: string[], error?: string, paused?: Place[] } & Partial<Place>}
   */
  next() {
    if (this.failed) return { turn: "fail", error: `${this.failed.step_id}: ${this.failed.error}`, stepId: this.failed.step_id };
    const waits = [];
    const paused = [];
    const found = this.#level(this.workflow, this.input, "", waits, paused);
    if (found) return found;
    if (waits.length) return { turn: "run", ...waits[0] };
    if (paused.length) return { turn: "wait", paused };
    return { turn: "end", output: this.#outputOf(this.workflow, "") };
  }

  /** Works out what a loop runs over, before its step begins. Throws where that is no list. */
  open(stepId, node, input) {
    if (node.items !== null && !this.items.has(stepId)) this.items.set(stepId, itemsOf(node, input));
  }

  /** Ids of the loops around a step. */
  static around(stepId) {
    const parts = stepId.split("/").slice(0, -1);
    return parts.map((_, index) => parts.slice(0, index + 1).join("/").replace(/\[\d+\]$/, ""));
  }

  #level(level, input, prefix, waits, paused) {
    const { entering } = shapeOf(level);
    for (const node of level.nodes) {
      const stepId = prefix + node.id;
      const step = this.steps.get(stepId);
      if (step && ENDED.has(step.status)) continue;
      const edges = entering.get(node.id);
      const taken = edges.filter((edge) => this.#isTaken(edge, prefix));
      const isAny = node.mode === "any";
      if (!(isAny && taken.length) && !edges.every((edge) => ENDED.has(this.steps.get(prefix + edge.source)?.status))) continue;
      if (node.kind !== "start" && !taken.length) return { turn: "skip", stepId, node };
      const place = { stepId, node, ...(node.kind === "start" ? { input } : this.#inputOf(level, taken, prefix, isAny)) };
      if (node.kind === "wait") (step?.status === "paused" ? paused : waits).push(place);
      else if (node.kind !== "loop" || !step) return { turn: "run", ...place };
      else {
        const found = this.#loop(place, waits, paused);
        if (found) return found;
      }
    }
    return null;
  }

  #loop({ stepId, node, input }, waits, paused) {
    this.open(stepId, node, input);
    const items = this.items.get(stepId);
    if (!this.courses.has(stepId)) this.courses.set(stepId, { number: 0, given: input, outputs: [] });
    const course = this.courses.get(stepId);
    for (; ; course.number += 1) {
      if (items && course.number === items.length) return closed(stepId, node, `[${course.outputs.join(",")}]`, ["out"]);
      if (course.number >= node.max_iterations && !items) {
        return { turn: "close", stepId, node, error: `the loop asks for more than ${node.max_iterations} iterations` };
      }
      const prefix = `${stepId}[${course.number}]/`;
      const waiting = waits.length + paused.length;
      const found = this.#level(node.body, items ? items[course.number] : course.given, prefix, waits, paused);
      if (found) return found;
      if (waits.length + paused.length > waiting) return null;
      const { output, again, ways } = this.#iteration(node, prefix);
      if (items) course.outputs.push(output);
      else if (again === null) return closed(stepId, node, output, ways);
      else course.given = again;
    }
  }

  #iteration({ body, repeat }, prefix) {
    if (!repeat) return { output: this.#outputOf(body, prefix) };
    const leaving = body.edges.filter((edge) => edge.target.startsWith("$") && this.#isTaken(edge, prefix));
    const again = leaving.filter((edge) => edge.target === "$again");
    if (again.length) return { again: this.#carried(body, again.map((edge) => edge.source), prefix) };
    const exits = new Set(leaving.map((edge) => edge.target.slice("$exit.".length)));
    const output = leaving.length ? this.#carried(body, leaving.map((edge) => edge.source), prefix) : this.#outputOf(body, prefix);
    return { again: null, output, ways: [...exits] };
  }

  #isTaken(edge, prefix) {
    const step = this.steps.get(prefix + edge.source);
    return step !== undefined && ENDED.has(step.status) && step.ports.includes(edge.port);
  }

  #inputOf(level, taken, prefix, isAny) {
    const orderOf = (edge) => this.steps.get(prefix + edge.source).order;
    const edges = isAny ? [taken.reduce((one, other) => (orderOf(other) < orderOf(one) ? other : one))] : taken;
    const input = this.#carried(level, edges.map((edge) => edge.source), prefix);
    return { input, refused: tooDeep(input) };
  }

  #outputOf(level, prefix) {
    const { leaving } = shapeOf(level);
    const last = level.nodes.filter(({ id }) => (
      this.steps.get(prefix + id).status !== "skipped" && !leaving.get(id).some((edge) => this.#isTaken(edge, prefix))
    ));
    return this.#carried(level, last.map((node) => node.id), prefix);
  }

  /** The output of one node, or an object of the outputs of several; made of their texts, so that no number is rounded. */
  #carried(level, sources, prefix) {
    const ids = new Set(sources);
    if (ids.size === 1) return this.steps.get(prefix + sources[0]).output;
    const several = level.nodes.filter(({ id }) => ids.has(id));
    return objectOf(several.map(({ id }) => [id, this.steps.get(prefix + id).output]));
  }
}

function closed(stepId, node, output, ports) {
  return { turn: "close", stepId, node, output, ports, error: tooDeep(output) };
}

/** What is wrong with a payload that nests too deeply, or nothing. */
export function tooDeep(text) {
  if (text.length <= MAX_DEPTH || depthOf(text) <= MAX_DEPTH) return undefined;
  return `a payload nests deeper than ${MAX_DEPTH} levels`;
}

function shapeOf(level) {
  if (!shapes.has(level)) {
    const entering = new Map(level.nodes.map(({ id }) => [id, []]));
    const leaving = new Map(level.nodes.map(({ id }) => [id, []]));
    for (const edge of level.edges) {
      leaving.get(edge.source).push(edge);
      entering.get(edge.target)?.push(edge);
    }
    shapes.set(level, { entering, leaving });
  }
  return shapes.get(level);
}

/** Throws WorkflowRefused for a workflow that breaks a rule. */
export function checkWorkflow(workflow, isRepeat = false, level = 0) {
  const fail = (problem) => {
    throw new EngineError("WorkflowRefused", `workflow ${JSON.stringify(workflow.id)}: ${problem}`);
  };
  const ids = new Set(workflow.nodes.map((node) => node.id));
  if (ids.size < workflow.nodes.length) fail("two nodes have one id");
  if (level > 50) fail("loops nest too deeply");
  const starts = workflow.nodes.filter((node) => node.kind === "start");
  if (starts.length !== 1) fail(`it has ${starts.length} start nodes and needs one`);
  for (const node of workflow.nodes) {
    if (!node.id || node.id[0] === "$" || node.id.includes("/") || HARD.test(node.id)) fail(`${JSON.stringify(node.id)} is not the id of a node`);
    if (node.kind === "wait" && node.timeout_ms === null && !node.signal) fail(`wait ${node.id} waits for nothing`);
    if (HARD.test(`${node.signal ?? ""} ${(node.cases ?? []).map((each) => each.port).join(" ")}`)) {
      fail(`node ${node.id}: a name has a NUL or half a character`);
    }
    if (node.kind === "loop" && (node.items === null) !== node.repeat) fail(`loop ${node.id} needs one of items and repeat`);
    const expression = node.expression ?? node.items ?? null;
    try {
      if (expression !== null) check(expression);
    } catch (error) {
      fail(`node ${node.id}: ${error.message}`);
    }
    if (node.kind === "loop") checkWorkflow(node.body, node.repeat, level + 1);
  }
  for (const { source, target, port } of workflow.edges) {
    if (HARD.test(`${port} ${target}`)) fail(`an edge from ${source}: a port has a NUL or half a character`);
    const isWayOut = isRepeat && (target === "$again" || /^\$exit\../s.test(target));
    if (!ids.has(source) || target === starts[0].id || !(ids.has(target) || isWayOut)) fail(`no edge leads from ${source} to ${target}`);
  }
  const left = new Set(ids);
  const { entering } = shapeOf(workflow);
  for (let before = -1; before !== left.size; ) {
    before = left.size;
    for (const id of left) if (!entering.get(id).some((edge) => left.has(edge.source))) left.delete(id);
  }
  if (left.size) fail(`its edges form a cycle through ${[...left].join(", ")}`);
}
