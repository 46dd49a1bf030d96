"""Walks a workflow: which activity or wait comes next, and what follows from each result. Pure; the kit's own.

One step is taken after another, so that the same results in the same order always lead the same way: that is what lets
an engine replay it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from heapq import heappop, heappush
from typing import TypeAlias

from cutover.engines.api import (
    ActivityNode,
    ConditionNode,
    ExecutionStatus,
    JsonValue,
    LoopNode,
    Node,
    StepStatus,
    WaitNode,
    Workflow,
)
from cutover.engines.errors import PayloadRefused
from cutover.engines.kit.expressions import NoAnswer, items_of, port_of
from cutover.engines.kit.shape import AGAIN, EXIT, WalkLevel, WalkShape
from cutover.engines.payloads import encode

__all__ = ["GraphWalk", "WalkStep"]

_Turn: TypeAlias = tuple[tuple[int, ...], Node, "_Course"]
_ENDED = frozenset({"completed", "failed", "skipped", "cancelled"})


@dataclass(slots=True, kw_only=True)
class WalkStep:
    """One step: its row in the making.

    `given` is its input, where it has one; `due_at` the deadline of a wait or of the next attempt.
    """

    step_id: str
    node: Node
    status: StepStatus
    given: JsonValue = None
    has_input: bool = False
    output: JsonValue = None
    ports: tuple[str, ...] = ()
    error: str | None = None
    attempt: int = 0
    due_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None


class _Course:
    """A level under way, the loop whose iteration it is, and where its nodes stand in definition order."""

    def __init__(self, level: WalkLevel, rank: tuple[int, ...], loop: _LoopCourse | None) -> None:
        self.level, self.rank, self.loop = level, rank, loop


class _LoopCourse:
    """A loop under way: its step, the level that it stands in, and its iterations so far."""

    def __init__(self, step: WalkStep, node: LoopNode, course: _Course, rank: tuple[int, ...]) -> None:
        self.step, self.node, self.course, self.rank = step, node, course, rank
        self.items: list[JsonValue] = []
        self.outputs: list[JsonValue] = []
        self.iteration = -1


class GraphWalk:
    """One execution on its way. `at` is when the newest result came: what follows from it is dated by that.

    `steps` are all steps that began or were skipped, by id, in that order; `paused` the waits, longest first.
    """

    def __init__(self, workflow: Workflow, value: JsonValue, at: datetime) -> None:
        self.status: ExecutionStatus = "running"
        self.output: JsonValue = None
        self.error: str | None = None
        self.at = at
        self.steps: dict[str, WalkStep] = {}
        self.paused: dict[str, WalkStep] = {}
        self._kept: list[tuple[str, JsonValue]] = []
        self._courses: dict[str, _Course] = {}
        self._shapes: dict[int, WalkShape] = {}
        self._turns: list[_Turn] = []
        self._waits: list[_Turn] = []
        self._enter(workflow, value, "", (), None)

    def next(self) -> WalkStep | None:
        """Returns the activity or the wait whose turn it is, as `running`; None where all is paused or has ended.

        Waits come last, so that their time runs from the pause that the caller sees.
        """
        while self.status == "running" and (self._turns or self._waits):
            rank, node, course = heappop(self._turns or self._waits)
            step = WalkStep(step_id=course.level.prefix + node.id, node=node, status="running", started_at=self.at)
            self.steps[step.step_id] = step
            self._courses[step.step_id] = course
            try:
                given = course.level.given(node)
                encode(given)
            except PayloadRefused as refused:
                self.fail(step, str(refused))
                continue
            step.given, step.has_input = given, True
            if isinstance(node, ActivityNode | WaitNode) and not (isinstance(node, WaitNode) and self._early(node)):
                return step
            self._pass(step, rank, course)
        return None

    def complete(self, step: WalkStep, output: JsonValue, ports: tuple[str, ...] = ("out",)) -> None:
        """Ends a step well; what follows it gets its turn."""
        step.status, step.error = "completed", None
        self._leave(step, output, ports)

    def give_up(self, step: WalkStep, message: str) -> None:
        """Ends an activity whose attempts are used up, as its `on_error` says."""
        on_error = step.node.on_error if isinstance(step.node, ActivityNode) else "fail"
        if on_error == "fail":
            self.fail(step, message)
            return
        step.status, step.error = "failed", message
        self._leave(step, {"error": message}, ("out" if on_error == "continue" else "error",))

    def fail(self, step: WalkStep, message: str) -> None:
        """Ends a step, the loops around it and the execution as failed; what else is open is cancelled."""
        failed, inside = step, message
        while True:
            failed.status, failed.error, failed.finished_at = "failed", inside, self.at
            loop = self._courses[failed.step_id].loop
            if loop is None:
                break
            failed, inside = loop.step, f"{step.step_id}: {message}"
        self._end("failed", f"{step.step_id}: {message}")

    def cancel(self) -> None:
        """Ends the execution as cancelled, with every step that has not ended."""
        self._end("cancelled", None)

    def retry(self, step: WalkStep, message: str, due_at: datetime) -> None:
        """Notes that a step's next attempt is due at a time."""
        step.status, step.error, step.due_at = "retrying", message, due_at

    def pause(self, step: WalkStep, due_at: datetime | None) -> None:
        """Notes that a wait has begun, and until when it lasts."""
        step.status, step.due_at = "paused", due_at
        self.paused[step.step_id] = step

    @property
    def deadline(self) -> datetime | None:
        """When the first of the paused waits is over; None where none has a timer."""
        return min((step.due_at for step in self.paused.values() if step.due_at is not None), default=None)

    def hear(self, name: str, payload: JsonValue) -> None:
        """Takes a signal: for the wait of its name that has been paused for longest, else for the next to come."""
        for step in self.paused.values():
            if isinstance(step.node, WaitNode) and step.node.signal == name:
                self._wake(step, payload, ("out",))
                return
        self._kept.append((name, payload))

    def time_is(self, now: datetime) -> None:
        """Ends the waits whose time is up at `now`, the earliest first, and what of their following ends with them."""
        up = [step for step in self.paused.values() if step.due_at is not None and step.due_at <= now]
        for step in sorted(up, key=lambda each: (each.due_at, *self._courses[each.step_id].rank)):
            if step.step_id not in self.paused:
                continue  # what one of them led to has ended the execution
            if isinstance(step.node, WaitNode) and step.node.signal is None:
                self._wake(step, step.given, ("out",))
            else:
                self._wake(step, None, ("timeout",))

    def _early(self, node: WaitNode) -> bool:
        """Whether a signal of the wait's name came before it."""
        return node.signal is not None and any(name == node.signal for name, _ in self._kept)

    def _pass(self, step: WalkStep, rank: tuple[int, ...], course: _Course) -> None:
        """Takes a step that asks nobody for anything."""
        match step.node:
            case ConditionNode() as condition:
                self._answered(step, lambda: self.complete(step, step.given, (port_of(condition, step.given),)))
            case LoopNode() as node:
                loop = _LoopCourse(step, node, course, rank)
                self._answered(step, lambda: self._open(loop))
            case WaitNode(signal=str(name)):
                kept = next(kept for kept in self._kept if kept[0] == name)
                self._kept.remove(kept)
                self.complete(step, kept[1])
            case _:
                self.complete(step, step.given)

    def _answered(self, step: WalkStep, work: Callable[[], None]) -> None:
        try:
            work()
        except NoAnswer as problem:
            self.fail(step, str(problem))

    def _open(self, loop: _LoopCourse) -> None:
        if loop.node.items is not None:
            loop.items = items_of(loop.node.items, loop.step.given)
            if not loop.items:
                self.complete(loop.step, [])
                return
        self._iterate(loop, loop.items[0] if loop.items else loop.step.given)

    def _iterate(self, loop: _LoopCourse, value: JsonValue) -> None:
        loop.iteration += 1
        prefix = f"{loop.step.step_id}[{loop.iteration}]/"
        self._enter(loop.node.body, value, prefix, (*loop.rank, loop.iteration), loop)

    def _enter(
        self, workflow: Workflow, value: JsonValue, prefix: str, rank: tuple[int, ...], loop: _LoopCourse | None
    ) -> None:
        shape = self._shapes.get(id(workflow))
        if shape is None:
            shape = self._shapes[id(workflow)] = WalkShape(workflow)
        course = _Course(WalkLevel(shape, value, prefix), rank, loop)
        self._line_up(course, *course.level.begin())

    def _line_up(self, course: _Course, ready: list[Node], skipped: list[Node]) -> None:
        for node in skipped:
            step_id = course.level.prefix + node.id
            self.steps[step_id] = WalkStep(step_id=step_id, node=node, status="skipped", finished_at=self.at)
        for node in ready:
            rank = (*course.rank, course.level.shape.place[node.id])
            heappush(self._waits if isinstance(node, WaitNode) else self._turns, (rank, node, course))

    def _leave(self, step: WalkStep, output: JsonValue, ports: tuple[str, ...]) -> None:
        try:
            encode(output)
        except PayloadRefused as refused:
            self.fail(step, str(refused))
            return
        step.output, step.ports, step.finished_at = output, ports, self.at
        course = self._courses[step.step_id]
        self._line_up(course, *course.level.end(step.node.id, output, ports))
        if not course.level.open:
            self._follow(course)

    def _follow(self, course: _Course) -> None:
        """Goes on after a level whose last node has ended."""
        level, loop = course.level, course.loop
        if loop is None:
            self._finish(level)
        elif loop.node.items is not None:
            loop.outputs.append(level.output())
            if loop.iteration + 1 < len(loop.items):
                self._iterate(loop, loop.items[loop.iteration + 1])
            else:
                self.complete(loop.step, loop.outputs)
        elif level.again():
            if loop.iteration + 1 < loop.node.max_iterations:
                self._iterate(loop, level.carried(AGAIN))
            else:
                self.fail(loop.step, f"the loop asks for more than {loop.node.max_iterations} iterations")
        else:
            ways = level.exits()
            ports = tuple(way.removeprefix(EXIT) for way in ways)
            self.complete(loop.step, level.carried(*ways) if ways else level.output(), ports)

    def _finish(self, level: WalkLevel) -> None:
        output = level.output()
        try:
            encode(output)
        except PayloadRefused as refused:
            self._end("failed", str(refused))
            return
        self.output = output
        self._end("completed", None)

    def _wake(self, step: WalkStep, output: JsonValue, ports: tuple[str, ...]) -> None:
        del self.paused[step.step_id]
        step.due_at = None
        self.complete(step, output, ports)

    def _end(self, status: ExecutionStatus, error: str | None) -> None:
        self.status, self.error = status, error
        self._turns, self._waits, self.paused = [], [], {}
        for step in self.steps.values():
            if step.status not in _ENDED:
                step.status, step.finished_at, step.error = "cancelled", self.at, None
