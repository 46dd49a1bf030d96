"""A small engine: activities with retries, conditions and joins, each step kept in Postgres before the next one begins.

`cutover try engine:create` plays a scenario with it. It has no loops and no waits yet, and refuses workflows that need
them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import jmespath
import psycopg
from psycopg.rows import dict_row
from pydantic import TypeAdapter

from cutover.engines import api, errors
from cutover.engines.payloads import decode, encode

_LEASE = timedelta(seconds=30)  # a worker that has not been heard of for so long may be taken for dead
_ENDED = frozenset({"completed", "failed", "skipped", "cancelled"})
_SCHEMA = """
    SELECT pg_advisory_xact_lock(hashtext('mine.install'));
    CREATE TABLE IF NOT EXISTS mine_executions (
        id uuid PRIMARY KEY, workflow text NOT NULL, workflow_id text NOT NULL, status text NOT NULL,
        current_node_id text, input text NOT NULL, output text, error text, metadata text NOT NULL,
        epoch int NOT NULL DEFAULT 0, lease_until timestamptz,
        created_at timestamptz NOT NULL DEFAULT now(), finished_at timestamptz);
    CREATE TABLE IF NOT EXISTS mine_steps (
        execution_id uuid REFERENCES mine_executions, step_id text, status text NOT NULL, attempt int NOT NULL,
        input text, output text, ports text[] NOT NULL, error text, due_at timestamptz,
        started_at timestamptz NOT NULL DEFAULT now(), finished_at timestamptz,
        PRIMARY KEY (execution_id, step_id));
"""
_KEEP = """
    WITH held AS (
        UPDATE mine_executions SET current_node_id = %(step_id)s, lease_until = %(lease)s
        WHERE id = %(id)s AND epoch = %(epoch)s AND status = 'running' RETURNING id)
    INSERT INTO mine_steps (execution_id, step_id, status, attempt, input, output, ports, error, due_at, finished_at)
    SELECT id, %(step_id)s, %(status)s, %(attempt)s, %(input)s, %(output)s, %(ports)s, %(error)s, %(due_at)s,
        CASE WHEN %(ended)s THEN now() END FROM held
    ON CONFLICT (execution_id, step_id) DO UPDATE SET (status, attempt, output, ports, error, due_at, finished_at) =
        (excluded.status, excluded.attempt, excluded.output, excluded.ports, excluded.error, excluded.due_at,
         excluded.finished_at)
    RETURNING *
"""
_CANCEL = """
    WITH ended AS (
        UPDATE mine_executions SET status = 'cancelled', epoch = epoch + 1, lease_until = NULL,
            finished_at = now() WHERE id = %(id)s AND status IN ('pending', 'running') RETURNING id)
    UPDATE mine_steps SET status = 'cancelled', finished_at = now() FROM ended
    WHERE execution_id = ended.id AND mine_steps.status IN ('running', 'retrying')
"""
_SqlRow = dict[str, Any]
_STEP: _SqlRow = {"input": None, "output": None, "ports": [], "error": None, "due_at": None}


class MyEngine:
    """The engine; see `cutover.engines.api.Engine`."""

    name = "mine"
    capabilities = frozenset({"cancel", "retries", "injected_clock", "lease", "concurrent_workers"})

    def __init__(self, context: api.EngineContext) -> None:
        self._context = context
        self._connection: psycopg.Connection[_SqlRow] | None = None

    def install(self) -> None:
        """Creates the tables; of several workers that do it at the same time one waits for the other."""
        self._connected().execute(_SCHEMA)

    def execute(self, request: api.ExecutionRequest) -> None:
        """Starts an execution, or goes on with it."""
        _refuse(request.workflow)
        self._query(
            "INSERT INTO mine_executions (id, workflow, workflow_id, status, input, metadata) "
            "VALUES (%(id)s, %(workflow)s, %(name)s, 'pending', %(input)s, %(metadata)s) ON CONFLICT DO NOTHING",
            id=request.execution_id,
            workflow=json.dumps(_WORKFLOWS.dump_python(request.workflow)),
            name=request.workflow.id,
            input=encode(request.input),
            metadata=json.dumps(dict(request.metadata)),
        )
        self.resume(request.execution_id)

    def resume(self, execution_id: UUID, signal: api.Signal | None = None) -> None:  # noqa: ARG002 - it has no waits
        """Takes the execution over, where nobody holds it, and drives it."""
        now = self._context.clock.now()
        taken = self._query(
            "UPDATE mine_executions SET epoch = epoch + 1, lease_until = %(until)s, status = 'running' "
            "WHERE id = %(id)s AND status IN ('pending', 'running') "
            "AND (lease_until IS NULL OR lease_until <= %(now)s) RETURNING *",
            id=execution_id,
            until=now + _LEASE,
            now=now,
        )
        if taken:
            self._drive(taken[0])
        elif self._find(execution_id)["status"] not in _ENDED:
            raise errors.ExecutionHeld(f"another worker holds execution {execution_id}")

    def cancel(self, execution_id: UUID) -> None:
        """Ends it, whoever holds it."""
        self._find(execution_id)
        self._query(_CANCEL, id=execution_id)

    def journal(self, execution_id: UUID) -> api.Journal:
        """Reads back what is committed."""
        row = self._find(execution_id)
        steps = self._query(
            "SELECT * FROM mine_steps WHERE execution_id = %(id)s ORDER BY started_at, step_id", id=execution_id
        )
        kept = {
            name: row[name] for name in ("id", "workflow_id", "status", "current_node_id", "input", "output", "error")
        }
        times = {"created_at": row["created_at"], "started_at": row["created_at"], "finished_at": row["finished_at"]}
        execution = api.ExecutionRow(**kept, **times, metadata=json.loads(row["metadata"]), version=0)
        return api.Journal(execution=execution, steps=tuple(_step_row(step) for step in steps))

    def close(self) -> None:
        """Closes the connection."""
        if self._connection is not None:
            self._connection.close()

    def _drive(self, execution: _SqlRow) -> None:
        """Runs what is ready, in the order of the nodes, until nothing is."""
        workflow = _loaded(execution["workflow"])
        rows = self._query("SELECT * FROM mine_steps WHERE execution_id = %(id)s", id=execution["id"])
        steps = {row["step_id"]: row for row in rows}
        while (node := next((each for each in workflow.nodes if _is_ready(each, workflow, steps)), None)) is not None:
            taken = [edge for edge in workflow.edges if edge.target == node.id and _is_taken(edge, steps)]
            if not taken and not isinstance(node, api.StartNode):
                self._keep(execution, steps, step_id=node.id, status="skipped", attempt=0)
                continue
            if isinstance(node, api.JoinNode) and node.mode == "any":
                taken = taken[:1]
            given = execution["input"] if isinstance(node, api.StartNode) else _joined([e.source for e in taken], steps)
            step = self._run(execution, steps, node, given)
            if step["status"] == "failed" and not (isinstance(node, api.ActivityNode) and node.on_error != "fail"):
                self._end(execution, "failed", None, step["error"])
                return
        last = [
            node.id
            for node in workflow.nodes
            if steps[node.id]["status"] != "skipped"
            and not any(edge.source == node.id and _is_taken(edge, steps) for edge in workflow.edges)
        ]
        self._end(execution, "completed", _joined(last, steps), None)

    def _run(self, execution: _SqlRow, steps: dict[str, _SqlRow], node: api.Node, given: str) -> _SqlRow:
        if isinstance(node, api.ActivityNode):
            return self._call(execution, steps, node, given)
        ports = ["out"]
        if isinstance(node, api.ConditionNode):
            try:
                ports = [_port(node, jmespath.search(node.expression, decode(given)))]
            except Exception as error:  # noqa: BLE001 - whatever an expression raises fails its step
                why = f"condition: {error}"
                return self._keep(execution, steps, step_id=node.id, status="failed", attempt=1, input=given, error=why)
        return self._keep(
            execution, steps, step_id=node.id, status="completed", attempt=1, input=given, output=given, ports=ports
        )

    def _call(self, execution: _SqlRow, steps: dict[str, _SqlRow], node: api.ActivityNode, given: str) -> _SqlRow:
        step = steps.get(node.id)  # of a worker that died in the middle of it
        if step is None:
            step = self._keep(execution, steps, step_id=node.id, status="running", attempt=1, input=given)
        while True:
            if step["status"] == "retrying":
                self._context.clock.sleep_until(step["due_at"])
                step = self._keep(execution, steps, **step | {"status": "running", "due_at": None})
            call = api.ActivityCall(
                execution_id=execution["id"],
                step_id=node.id,
                activity=node.activity,
                attempt=step["attempt"],
                idempotency_key=f"{execution['id']}:{node.id}",
                input=decode(given),
            )
            try:
                result = self._context.activities.call(call)
                done = {"status": "completed", "output": encode(result.output), "ports": list(result.ports)}
                return self._keep(execution, steps, **step | done)
            except (errors.ActivityError, errors.PayloadRefused) as error:
                if not getattr(error, "retryable", False) or step["attempt"] > node.retry.max_retries:
                    return self._fail(execution, steps, node, step, str(error))
            delay = min(node.retry.cap_ms, node.retry.initial_ms * node.retry.factor ** (step["attempt"] - 1))
            due = self._context.clock.now() + timedelta(milliseconds=delay)
            again = {"status": "retrying", "attempt": step["attempt"] + 1, "due_at": due}
            step = self._keep(execution, steps, **step | again)

    def _fail(
        self, execution: _SqlRow, steps: dict[str, _SqlRow], node: api.ActivityNode, step: _SqlRow, why: str
    ) -> _SqlRow:
        output = None if node.on_error == "fail" else encode({"error": why})
        ports: list[str] = {"fail": [], "continue": ["out"], "route": ["error"]}[node.on_error]
        return self._keep(
            execution, steps, **step | {"status": "failed", "output": output, "ports": ports, "error": why}
        )

    def _keep(self, execution: _SqlRow, steps: dict[str, _SqlRow], **step: Any) -> _SqlRow:
        """Writes a step, unless another worker has taken over."""
        lease = self._context.clock.now() + _LEASE
        own = {"id": execution["id"], "epoch": execution["epoch"], "lease": lease, "ended": step["status"] in _ENDED}
        kept = self._query(_KEEP, **_STEP | step | own)
        if not kept:
            raise errors.LeaseLost(f"another worker has taken over execution {execution['id']}")
        steps[step["step_id"]] = kept[0]
        return kept[0]

    def _end(self, execution: _SqlRow, status: str, output: str | None, error: str | None) -> None:
        ended = self._query(
            "UPDATE mine_executions SET status = %(status)s, output = %(output)s, error = %(error)s, "
            "lease_until = NULL, finished_at = now() "
            "WHERE id = %(id)s AND epoch = %(epoch)s AND status = 'running' RETURNING id",
            id=execution["id"],
            epoch=execution["epoch"],
            status=status,
            output=output,
            error=error,
        )
        if not ended:
            raise errors.LeaseLost(f"another worker has taken over execution {execution['id']}")

    def _find(self, execution_id: UUID) -> _SqlRow:
        found = self._query("SELECT * FROM mine_executions WHERE id = %(id)s", id=execution_id)
        if not found:
            raise errors.UnknownExecution(f"no execution has the id {execution_id}")
        return found[0]

    def _connected(self) -> psycopg.Connection[_SqlRow]:
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(self._context.dsn, autocommit=True, row_factory=dict_row)
        return self._connection

    def _query(self, text: str, **values: Any) -> list[_SqlRow]:
        cursor = self._connected().execute(text.encode(), values)
        return cursor.fetchall() if cursor.description else []


def create(context: api.EngineContext) -> MyEngine:
    """Returns an engine; `cutover` calls this."""
    return MyEngine(context)


def _refuse(workflow: api.Workflow) -> None:
    for node in workflow.nodes:
        if not isinstance(node, api.StartNode | api.ActivityNode | api.ConditionNode | api.JoinNode):
            raise errors.WorkflowRefused(f"node {node.id}: this engine has no {node.kind}")


def _has_left(step: _SqlRow | None) -> bool:
    return step is not None and step["status"] in _ENDED


def _is_taken(edge: api.Edge, steps: Mapping[str, _SqlRow]) -> bool:
    return _has_left(steps.get(edge.source)) and edge.port in steps[edge.source]["ports"]


def _is_ready(node: api.Node, workflow: api.Workflow, steps: Mapping[str, _SqlRow]) -> bool:
    if _has_left(steps.get(node.id)):
        return False
    edges = [edge for edge in workflow.edges if edge.target == node.id]
    if isinstance(node, api.JoinNode) and node.mode == "any" and any(_is_taken(edge, steps) for edge in edges):
        return True
    return all(_has_left(steps.get(edge.source)) for edge in edges)


def _joined(sources: Sequence[str], steps: Mapping[str, _SqlRow]) -> str:
    """Returns the output of one source, or an object of the outputs of several, made of their texts."""
    names = [*dict.fromkeys(sources)]
    if len(names) == 1:
        return str(steps[names[0]]["output"])
    return "{" + ",".join(f"{json.dumps(name)}:{steps[name]['output']}" for name in names) + "}"


def _port(node: api.ConditionNode, value: Any) -> str:
    if not node.cases:
        return "false" if value is None or value is False or value in ("", [], {}) else "true"
    truth = isinstance(value, bool)  # which equals a number in Python
    equal = (each.port for each in node.cases if each.value == value and isinstance(each.value, bool) is truth)
    return next(equal, "default")


def _step_row(row: _SqlRow) -> api.StepRow:
    names = ("step_id", "status", "attempt", "input", "output", "error", "started_at", "finished_at")
    return api.StepRow(node_id=row["step_id"], ports=tuple(row["ports"]), **{name: row[name] for name in names})


_WORKFLOWS: TypeAdapter[api.Workflow] = TypeAdapter(api.Workflow)


def _loaded(text: str) -> api.Workflow:
    return _WORKFLOWS.validate_python(json.loads(text))
