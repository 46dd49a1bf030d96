"""Engines that go wrong where two things meet: a wait's timer and a worker, a signal and a commit, two attempts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from jmespath import Options, functions
from jmespath.exceptions import JMESPathError

from cutover.engines.api import (
    Activities,
    ActivityCall,
    ActivityResult,
    EngineContext,
    ExecutionRequest,
    JsonText,
    JsonValue,
    WaitNode,
)
from cutover.engines.errors import ExecutionHeld
from cutover.engines.payloads import decode
from cutover.engines.sqlfiles import sql
from cutover.engines.v2 import nodes
from cutover.engines.v2 import run as runs
from cutover.engines.v2.delta import Delta
from cutover.engines.v2.lease import Claims
from cutover.engines.v2.planner import Step
from cutover.engines.v2.recovery import Claimed, Rows
from cutover.engines.v2.run import ExecutionRun
from cutover.harness.mutants.engines.broken import BrokenV2
from cutover.harness.mutants.patching import Patch

__all__ = [
    "ArmsAnew",
    "DecodesInputsOnce",
    "FindsTimersByNode",
    "LetsTimersIn",
    "MeasuresInUnits",
    "RestsAtACut",
    "SortsByUnits",
    "WritesSignalsOnce",
]

_HERE: Final = "cutover.harness.mutants.engines"
_MOST_STEPS: Final = 100
_MOST_TEXT: Final = 256 * 1024


class FindsTimersByNode(BrokenV2):
    """Gives a wait that it finds paused the earliest timer of its node, whichever turn of a loop that is of."""

    def restore(self, execution_id: UUID, claimed: Claimed) -> tuple[ExecutionRun, Rows]:
        """As V2, with other deadlines."""
        run, rows = super().restore(execution_id, claimed)
        for step in run.open.values():
            if step.due_at is not None and isinstance(step.node, WaitNode):
                timers = [due for (key, kind, _), due in rows.timers.items() if kind == "wait" and _is_of(key, step)]
                step.due_at = min(timers, default=step.due_at)
        return run, rows


def _is_of(step_id: str, step: Step) -> bool:
    return step_id.rpartition("/")[2] == step.node.id


class WritesSignalsOnce(BrokenV2):
    """Writes a signal once in a commit, as it came, also where a wait has used it by then."""

    def patches(self) -> tuple[Patch, ...]:
        """What a commit says of a signal."""
        original = Delta.signal

        def signal(delta: Delta, signal_id: str, name: str, payload: JsonText, step: Step | None) -> None:
            if signal_id not in delta.signals:
                original(delta, signal_id, name, payload, step)

        return ((Delta, "signal", signal),)


class RestsAtACut(BrokenV2):
    """Cuts commits short, and takes an execution for paused where only waits are left that have not begun."""

    def patches(self) -> tuple[Patch, ...]:
        """When a commit is large, and when nothing is left to do."""

        def is_large(delta: Delta) -> bool:
            return len(delta.steps) >= _MOST_STEPS or delta.weight >= _MOST_TEXT

        def paused(run: ExecutionRun) -> bool:
            return not run.ready and run.active is None and run.status == "running"

        return ((Delta, "is_large", property(is_large)), (ExecutionRun, "paused", property(paused)))


class _ByTimers(Claims):
    def take(self, execution_id: UUID, signal_id: str | None = None, *, force: bool = False) -> Claimed | None:
        try:
            return super().take(execution_id, signal_id, force=force)
        except ExecutionHeld:
            due = {"id": execution_id, "now": self._clock.now()}
            if self._store.connection.execute(sql(_HERE, "wait_is_over"), due).fetchone() is None:
                raise
            return super().take(execution_id, signal_id, force=True)


class LetsTimersIn(BrokenV2):
    """Lets a worker in for a wait whose timer is up, whoever is at work on the execution."""

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        self.claims = _ByTimers(self.store, context.clock, self.lines, self.owner)


class ArmsAnew(BrokenV2):
    """Sets the timers of a workflow's waits with each request for it, as if it began."""

    def execute(self, request: ExecutionRequest) -> None:
        """As V2, once the timers are set."""
        now = self.clock.now()
        for node in request.workflow.nodes:
            if isinstance(node, WaitNode) and node.timeout_ms is not None:
                due = now + timedelta(milliseconds=node.timeout_ms)
                timer = {"id": request.execution_id, "step_id": node.id, "due_at": due}
                self.store.connection.execute(sql(_HERE, "move_timer"), timer)
        super().execute(request)


class _OneOfEachStep:
    """Activities that are called with one object in all attempts of a step."""

    def __init__(self, world: Activities) -> None:
        self._world = world
        self._made: dict[tuple[UUID, str], JsonValue] = {}

    def call(self, call: ActivityCall) -> ActivityResult:
        """Calls with the object of the first attempt."""
        given = self._made.setdefault((call.execution_id, call.step_id), call.input)
        return self._world.call(replace(call, input=given))


class DecodesInputsOnce(BrokenV2):
    """Decodes a step's input once, and hands the same object to each attempt."""

    def __init__(self, context: EngineContext) -> None:
        super().__init__(replace(context, activities=_OneOfEachStep(context.activities)))


def _units(text: str) -> bytes:
    return text.encode("utf-16-be", "surrogatepass")


class _Measuring(functions.Functions):
    @functions.signature({"types": ["string", "array", "object"]})
    def _func_length(self, value: Any) -> int:
        return len(_units(value)) // 2 if isinstance(value, str) else len(value)


class _Sorting(functions.Functions):
    @functions.signature({"types": ["array-string", "array-number"]})
    def _func_sort(self, values: list[Any]) -> list[Any]:
        return sorted(values, key=lambda value: _units(value) if isinstance(value, str) else value)


class MeasuresInUnits(BrokenV2):
    """Counts a text's units of UTF-16, as lengths are in JavaScript, Java and C#."""

    library: type[functions.Functions] = _Measuring

    def patches(self) -> tuple[Patch, ...]:
        """What an expression comes to."""
        options = Options(custom_functions=self.library())
        original = nodes.evaluate

        def evaluate(step: Step, expression: str) -> JsonValue:
            try:
                given = decode(step.given or "null")
                value: JsonValue = step.frame.graph.expressions[step.index].search(given, options=options)
            except JMESPathError:
                return original(step, expression)
            return value

        return ((nodes, "evaluate", evaluate), (runs, "evaluate", evaluate))


class SortsByUnits(MeasuresInUnits):
    """Sorts texts by their units of UTF-16."""

    library = _Sorting
