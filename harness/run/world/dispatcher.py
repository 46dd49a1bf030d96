"""Connects a long-lived engine with the execution in flight: its world, its clock, its log. Pure but for memory.

An engine is given its activities, clock and log once, when it is made; here each of them is led to the execution that
runs at that moment. Executions nest: one may run while another is inside an activity. An engine that is made, installed
or closed while none runs may look at its clock and say something too.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from cutover.engines.api import ActivityCall, ActivityResult, Clock, EngineContext
from cutover.harness.run.world.clock import VirtualClock
from cutover.harness.run.world.engine import NoActivities
from cutover.harness.run.world.world import World

__all__ = ["Dispatcher", "Flight"]


@dataclass(slots=True)
class Flight:
    """One execution in flight.

    `at_first_call` runs once, inside its first activity call; `at_first_sleep` once, as an engine begins to sleep.
    """

    execution_id: UUID
    world: World
    clock: VirtualClock
    logs: list[str] = field(default_factory=list)
    at_first_call: Callable[[], None] | None = None
    at_first_sleep: Callable[[], None] | None = None


class Dispatcher:
    """Activities, clock and log of one engine, and of its companions in the same process."""

    def __init__(self) -> None:
        self._flights: list[Flight] = []
        self._idle: Clock = VirtualClock()
        self._aside = 0

    def context(self, dsn: str) -> EngineContext:
        """Returns what an engine is made from."""
        return EngineContext(dsn=dsn, activities=self, clock=self, log=self.log)

    @contextlib.contextmanager
    def flying(self, flight: Flight) -> Iterator[None]:
        """Leads everything to this flight, until the block ends."""
        self._flights.append(flight)
        try:
            yield
        finally:
            self._flights.pop()
            self._idle = flight.clock

    @contextlib.contextmanager
    def aside(self) -> Iterator[None]:
        """Keeps no line until the block ends.

        What an engine says as it is made, installed or closed is of no execution.
        """
        self._aside += 1
        try:
            yield
        finally:
            self._aside -= 1

    def call(self, call: ActivityCall) -> ActivityResult:
        """Goes to the world of the call's execution; a call for an unknown one shows in the ledger of the newest.

        Where none runs there is no ledger, and the call is refused.
        """
        if not self._flights:
            return NoActivities("an engine whose executions have all paused or ended").call(call)
        flight = next((each for each in self._flights if each.execution_id == call.execution_id), self._flights[-1])
        if (first := flight.at_first_call) is not None:
            flight.at_first_call = None
            first()
        return flight.world.call(call)

    def now(self) -> datetime:
        """Returns the newest flight's virtual time, while none runs that of the one before."""
        return self._clock().now()

    def sleep_until(self, deadline: datetime) -> None:
        """Jumps, once that has happened which is to happen in the newest flight's first sleep."""
        if self._flights and (first := self._flights[-1].at_first_sleep) is not None:
            self._flights[-1].at_first_sleep = None
            first()
        self._clock().sleep_until(deadline)

    def log(self, line: str, /) -> None:
        """Keeps the line with the newest flight; lines of an idle engine do not belong to an arm and are discarded."""
        if self._flights and not self._aside:
            self._flights[-1].logs.append(line)

    def _clock(self) -> Clock:
        return self._flights[-1].clock if self._flights else self._idle
