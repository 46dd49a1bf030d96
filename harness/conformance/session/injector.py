"""A fault injector that can kill in a given state, and tells which states were passed. Does I/O."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from cutover.harness.conformance.session.targets import Cell, KillTarget, StatePoint
from cutover.harness.record.cases import KillPoint, PointKind
from cutover.harness.run.crash.injector import FaultInjector, Injection
from cutover.harness.run.process.host import Host
from cutover.harness.run.proxy.channel import Channel
from cutover.harness.run.world.clock import SharedClock
from cutover.harness.run.world.world import World

__all__ = ["TargetedInjector"]

_POINTS: Final[dict[str, PointKind]] = {"request": "request", "call": "call", "effect": "reply"}


class TargetedInjector(FaultInjector):
    """`state` returns the present state; it is asked at each kill point while it matters.

    `seen` are the cells that were passed since the last target was set.
    """

    def __init__(self, world: World, clock: SharedClock, on_injection: Injection, state: Callable[[], str]) -> None:
        super().__init__(world, clock, on_injection)
        self._state = state
        self._target: StatePoint | None = None
        self._observing = False
        self.seen: dict[Cell, None] = {}

    def aim(self, at: KillTarget | None, *, observe: bool) -> None:
        """Sets the next target, counted anew from here; without one the cells that are passed may be observed."""
        self.inject_at(at if isinstance(at, KillPoint) else None)
        self._target = at if isinstance(at, StatePoint) else None
        self._observing = observe and at is None
        self.seen.clear()
        answers = self._observing or (self._target is not None and self._target.kind == "answer")
        self.on_answered = self._answered if answers else None

    def note(self, host: Host | None, what: str, detail: str = "") -> None:
        """Adds to the time line; at a kill point it may ask for the state."""
        super().note(host, what, detail)
        kind = _POINTS.get(what)
        if kind is None:
            return
        if self._observing:
            self.seen[self._state(), kind] = None
        if self._target is not None and self._target.kind == kind and self._target.state == self._state():
            self._target = None
            self.point = KillPoint(kind, self.round_trips if kind == "request" else self.activity_calls)

    def answer(self, channel: Channel, number: int) -> bool:
        """As the injector's; a targeted answer is where the fault comes if the state is the wanted one."""
        host = self._host_of(channel)
        if self._target is None or self._target.kind != "answer" or host is None:
            return super().answer(channel, number)
        if self._state() != self._target.state:
            return True
        self._target = None
        self.on_answered = None
        return super().answer(channel, number)

    def _answered(self, _number: int) -> None:
        if self._observing:
            self.seen[self._state(), "answer"] = None
