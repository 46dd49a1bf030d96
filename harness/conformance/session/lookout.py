"""A fault injector that knows the state of the execution at each kill point, and can wait for one. Does I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Self, TypeAlias, cast, get_args

from cutover.engines.api import Journal, LoopNode, Workflow
from cutover.harness.record.cases import CaseError, KillPoint, PointKind
from cutover.harness.run.crash.injector import FaultInjector, Injection
from cutover.harness.run.process.host import Host
from cutover.harness.run.proxy.channel import Channel
from cutover.harness.run.world.clock import SharedClock
from cutover.harness.run.world.world import World
from cutover.scenarios.model import Scenario

__all__ = ["END_STATES", "Aim", "Cell", "Lookout", "StatePoint", "States", "parse_aim"]

Cell: TypeAlias = tuple[str, PointKind]
"""The state in which a death finds the execution, and the kind of kill point."""

END_STATES: Final = frozenset({"completed", "failed", "cancelled"})
_POINTS: Final[dict[str, PointKind]] = {"request": "request", "call": "call", "effect": "reply"}


@dataclass(frozen=True, slots=True, order=True)
class StatePoint:
    """The first kill point of a kind at which the execution is in a state, as `States` names it."""

    kind: PointKind
    state: str

    def __str__(self) -> str:
        return f"{self.kind}@{self.state}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The point that `str` wrote; raises CaseError."""
        kind, _, state = text.partition("@")
        if kind not in get_args(PointKind) or not state:
            raise CaseError(f"{text!r} is no kill point; write one like answer@retrying")
        return cls(cast("PointKind", kind), state)


Aim: TypeAlias = KillPoint | StatePoint


def parse_aim(text: str) -> Aim:
    """Either kind of point, as `str` wrote it; raises CaseError."""
    return StatePoint.parse(text) if "@" in text else KillPoint.parse(text)


class States:
    """Names the state that a death would find: `none` before the first commit, `running` (an activity step, or between
    two steps), `retrying` (waiting for another attempt), `paused` (only waits are left), or how the execution ended.
    """

    def __init__(self, scenario: Scenario) -> None:
        self._loops = frozenset(_loops(scenario.workflow))

    def of(self, journal: Journal | None) -> str:
        """The state's name."""
        if journal is None:
            return "none"
        if journal.execution.status in END_STATES:
            return journal.execution.status
        statuses = {step.status for step in journal.steps if step.status != "running" or not self._loop(step.step_id)}
        return next((state for state in ("retrying", "running", "paused") if state in statuses), "running")

    def _loop(self, step_id: str) -> bool:
        return "/".join(part.partition("[")[0] for part in step_id.split("/")) in self._loops


class Lookout(FaultInjector):
    """`look` gives the present state; it is asked at each kill point while somebody wants to know.

    `seen` are the cells that were passed since the last aim.
    """

    def __init__(self, world: World, clock: SharedClock, on_injection: Injection, look: Callable[[], str]) -> None:
        super().__init__(world, clock, on_injection)
        self._look = look
        self._hunted: StatePoint | None = None
        self._observing = False
        self.seen: dict[Cell, None] = {}

    def aim(self, at: Aim | None, *, observe: bool) -> None:
        """Sets the next point, counted anew from here; without one the cells that are passed may be observed."""
        self.inject_at(at if isinstance(at, KillPoint) else None)
        self._hunted = at if isinstance(at, StatePoint) else None
        self._observing = observe and at is None
        self.seen.clear()
        answers = self._observing or (self._hunted is not None and self._hunted.kind == "answer")
        self.on_answered = self._answered if answers else None

    def note(self, host: Host | None, what: str, detail: str = "") -> None:
        """Adds to the time line; at a kill point it may look."""
        super().note(host, what, detail)
        kind = _POINTS.get(what)
        if kind is None:
            return
        if self._observing:
            self.seen[self._look(), kind] = None
        if self._hunted is not None and self._hunted.kind == kind and self._hunted.state == self._look():
            self._hunted = None
            self.point = KillPoint(kind, self.round_trips if kind == "request" else self.activity_calls)

    def answer(self, channel: Channel, number: int) -> bool:
        """As the injector's; a hunted answer is where the fault comes if the state is the wanted one."""
        host = self._host_of(channel)
        if self._hunted is None or self._hunted.kind != "answer" or host is None:
            return super().answer(channel, number)
        if self._look() != self._hunted.state:
            return True
        self._hunted = None
        self.on_answered = None
        return super().answer(channel, number)

    def _answered(self, _number: int) -> None:
        if self._observing:
            self.seen[self._look(), "answer"] = None


def _loops(workflow: Workflow, prefix: str = "") -> Iterator[str]:
    """The paths of all loops, without iterations."""
    for node in workflow.nodes:
        if isinstance(node, LoopNode):
            yield prefix + node.id
            yield from _loops(node.body, f"{prefix}{node.id}/")
