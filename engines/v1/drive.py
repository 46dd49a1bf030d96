"""Drives one execution from its rows until it ends or only waits are left. Writes through the store, calls activities.

Outputs live in one dictionary that the engine shares between all executions of the process. What earlier runs have
ended is taken from the rows; the activity at which the execution stood is run again, ended or not.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from cutover.engines.api import (
    ActivityCall,
    ActivityNode,
    ConditionNode,
    EngineContext,
    ExecutionStatus,
    JsonText,
    JsonValue,
    LoopNode,
    Node,
    StepStatus,
    WaitNode,
)
from cutover.engines.errors import ActivityError, PayloadRefused
from cutover.engines.payloads import decode, encode, storable_text
from cutover.engines.v1.expressions import evaluate, port_of
from cutover.engines.v1.planner import NodePlan
from cutover.engines.v1.rules import read_workflow
from cutover.engines.v1.signals import RecordedWaits
from cutover.engines.v1.store import AutocommitStore, LoadedExecution

__all__ = ["ExecutionDriver"]

_GIVEN = "$input"


class _StepFailed(Exception):
    """A step failed and its `on_error` does not go on, so the execution fails; `step_id` says which it was."""

    def __init__(self, message: str, step_id: str = "") -> None:
        super().__init__(f"{step_id}: {message}" if step_id else message)
        self.step_id = step_id


class ExecutionDriver:
    """One pass over one execution."""

    def __init__(
        self,
        execution_id: UUID,
        execution: LoadedExecution,
        *,
        store: AutocommitStore,
        world: EngineContext,
        shared: dict[str, JsonValue],
    ) -> None:
        self._id = execution_id
        self._execution = execution
        self._rows = dict(execution.steps)
        self._again = self._at = execution.at
        self._store = store
        self._world = world
        self._shared = shared
        self._waits = RecordedWaits(execution.metadata)
        self._paused: list[str] = []

    def run(self) -> bool:
        """Goes as far as it can; whether a wait that was left has become due meanwhile."""
        self._shared.clear()
        self._shared[_GIVEN] = decode(self._execution.input)
        plan = NodePlan(read_workflow(self._execution.definition), "")
        try:
            if self._advance(plan):
                output = encode(self._carried(plan, plan.last()))
                self._finish("completed", output=output)
                return False
        except (_StepFailed, PayloadRefused) as failure:
            self._finish("failed", error=str(failure))
            return False
        self._move(self._paused[0])
        self._say(f"waiting for {', '.join(self._paused)}")
        return self._waits.due(self._paused, self._world.clock.now())

    def _advance(self, plan: NodePlan) -> bool:
        """Runs what is ready; whether the workflow has ended."""
        self._skip(plan, plan.begin())
        while (node := plan.next()) is not None:
            ports = self._step(plan, node)
            if ports is not None:
                self._skip(plan, plan.leave(node.id, ports))
        return plan.finished()

    def _step(self, plan: NodePlan, node: Node) -> tuple[str, ...] | None:
        """Runs one step, or takes it from its row; the ports it leaves by, or None while it waits."""
        step_id = plan.prefix + node.id
        row = self._rows.get(step_id)
        if row is not None and not (isinstance(node, ActivityNode) and step_id == self._again):
            if row.status == "completed" or (row.status == "failed" and row.output is not None):
                self._shared[step_id] = None if row.output is None else decode(row.output)
                return row.ports
            if row.status == "failed":
                raise _StepFailed(row.error or "", step_id)
        try:
            return self._run(node, step_id, self._given(plan, node))
        except (_StepFailed, PayloadRefused) as failure:
            self._store.fail(self._id, step_id, node.id, str(failure))
            self._say(f"step {step_id} failed: {failure}")
            if isinstance(failure, _StepFailed) and failure.step_id:
                raise
            raise _StepFailed(str(failure), step_id) from failure

    def _run(self, node: Node, step_id: str, given: JsonValue) -> tuple[str, ...] | None:
        match node:
            case ActivityNode():
                return self._activity(node, step_id, given)
            case ConditionNode():
                self._begin(step_id, node, given)
                return self._end(step_id, given, (self._chosen(node, given),))
            case LoopNode():
                return self._loop(node, step_id, given)
            case WaitNode():
                return self._wait(node, step_id, given)
            case _:
                self._move(step_id)
                self._store.record(self._id, step_id, node.id, encode(given))
                self._shared[step_id] = given
                return ("out",)

    def _activity(self, node: ActivityNode, step_id: str, given: JsonValue) -> tuple[str, ...]:
        self._begin(step_id, node, given)
        call = ActivityCall(
            execution_id=self._id,
            step_id=step_id,
            activity=node.activity,
            attempt=1,
            idempotency_key=None,
            input=given,
        )
        try:
            result = self._world.activities.call(call)
            return self._end(step_id, result.output, result.ports)
        except (ActivityError, PayloadRefused) as error:
            if node.on_error == "fail":
                raise _StepFailed(str(error)) from error
            ports = ("out",) if node.on_error == "continue" else ("error",)
            return self._end(step_id, {"error": str(error)}, ports, status="failed", error=str(error))

    def _wait(self, node: WaitNode, step_id: str, given: JsonValue) -> tuple[str, ...] | None:
        found = self._waits.serve(node, step_id, self._world.clock.now())
        if self._waits.changed:
            self._store.note(self._id, self._waits.notes())
        row = self._rows.get(step_id)
        if row is None or row.status != "paused":
            self._begin(step_id, node, given, "paused" if found is None else "running")
        if found is None:
            self._paused.append(step_id)
            return None
        payload, port = found
        return self._end(step_id, given if node.signal is None else payload, (port,))

    def _loop(self, node: LoopNode, step_id: str, given: JsonValue) -> tuple[str, ...] | None:
        if step_id not in self._rows:
            self._begin(step_id, node, given)
        if node.items is None:
            return self._repeat(node, step_id, given)
        items = self._evaluated(node.items, given)
        if not isinstance(items, list):
            raise _StepFailed(f"items of loop {node.id!r} gave no list: {type(items).__name__}")
        outputs: list[JsonValue] = []
        for number, item in enumerate(items):
            body = self._iteration(node, f"{step_id}[{number}]/", item)
            if body is None:
                return None
            outputs.append(self._carried(body, body.last()))
        return self._end(step_id, outputs, ("out",))

    def _repeat(self, node: LoopNode, step_id: str, given: JsonValue) -> tuple[str, ...] | None:
        for number in range(node.max_iterations):
            body = self._iteration(node, f"{step_id}[{number}]/", given)
            if body is None:
                return None
            if not body.again():
                ports, sources = body.exits()
                return self._end(step_id, self._carried(body, sources or body.last()), ports)
            given = self._carried(body, body.again())
        raise _StepFailed(f"loop {node.id!r} asked for more than {node.max_iterations} iterations")

    def _iteration(self, node: LoopNode, prefix: str, given: JsonValue) -> NodePlan | None:
        """One run of the body; None while it waits."""
        self._shared[prefix + _GIVEN] = given
        body = NodePlan(node.body, prefix)
        return body if self._advance(body) else None

    def _given(self, plan: NodePlan, node: Node) -> JsonValue:
        if node.kind == "start":
            return self._shared.get(plan.prefix + _GIVEN)
        return self._carried(plan, plan.sources(node.id))

    def _carried(self, plan: NodePlan, sources: list[str]) -> JsonValue:
        if len(sources) == 1:
            return self._shared.get(plan.prefix + sources[0])
        return {source: self._shared.get(plan.prefix + source) for source in sources}

    def _chosen(self, node: ConditionNode, given: JsonValue) -> str:
        try:
            return port_of(node, given)
        except Exception as error:  # whatever JMESPath raises fails the step
            raise _StepFailed(f"expression {node.expression!r} raised {type(error).__name__}: {error}") from error

    def _evaluated(self, expression: str, given: JsonValue) -> Any:
        try:
            return evaluate(expression, given)
        except Exception as error:  # whatever JMESPath raises fails the step
            raise _StepFailed(f"expression {expression!r} raised {type(error).__name__}: {error}") from error

    def _begin(self, step_id: str, node: Node, given: JsonValue, status: StepStatus = "running") -> None:
        text = encode(given)
        self._move(step_id)
        self._store.begin(self._id, step_id, node.id, status, text)
        self._say(f"step {step_id} {status}")

    def _end(
        self,
        step_id: str,
        output: JsonValue,
        ports: tuple[str, ...],
        status: StepStatus = "completed",
        error: str | None = None,
    ) -> tuple[str, ...]:
        self._store.end(self._id, step_id, status, output=encode(output), ports=ports, error=error)
        self._shared[step_id] = output
        self._say(f"step {step_id} {status}")
        return ports

    def _skip(self, plan: NodePlan, nodes: list[Node]) -> None:
        for node in nodes:
            step_id = plan.prefix + node.id
            if step_id not in self._rows:
                self._store.skip(self._id, step_id, node.id)

    def _move(self, step_id: str) -> None:
        if step_id != self._at:
            self._store.move(self._id, step_id)
            self._at = step_id

    def _finish(self, status: ExecutionStatus, *, output: JsonText | None = None, error: str | None = None) -> None:
        self._store.finish(self._id, status, output, error)
        self._say(status if error is None else f"{status}: {error}")

    def _say(self, text: str) -> None:
        self._world.log(f"[orchestrator] {self._id} {storable_text(text)}")
