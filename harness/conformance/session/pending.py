"""The input that an execution gets next from outside unless the test does something else first. Pure."""

from __future__ import annotations

from cutover.engines.api import Journal
from cutover.harness.run.process.hosted import Message
from cutover.harness.run.world.clock import SharedClock
from cutover.harness.run.world.outside import Move, Outside
from cutover.scenarios.model import Scenario

__all__ = ["PendingInput"]


class PendingInput:
    """One move of the `outside` at a time: `due` until it is made, None where nothing more will happen by itself.

    Keeps what was delivered; does no I/O.
    """

    def __init__(self, scenario: Scenario, clock: SharedClock) -> None:
        self._planned = frozenset(signal.id for signal in scenario.signals)
        self._clock = clock
        self.outside = Outside(scenario, clock)
        self.due: Move | None = None

    @property
    def signal(self) -> str | None:
        """The id of the signal that is due."""
        return None if self.due is None or self.due.signal is None else self.due.signal.id

    @property
    def timer(self) -> bool:
        """Whether a timer is due."""
        return self.due is not None and self.due.until is not None

    def reach_timer(self) -> None:
        """Moves the clock on to the timer that is due, if one is."""
        if self.due is not None and self.due.until is not None:
            self._clock.advance_to(self.due.until)

    def command(self) -> Message:
        """The command that makes the due move; a resume where there is none."""
        return {"op": "resume"} if self.due is None else self.due.command()

    def carried_out(self, command: Message, journal: Journal | None) -> None:
        """Works out what is due after a command was carried out; `journal` is what the command left."""
        delivered = self.outside.delivered
        if command["op"] == "signal" and command["id"] in self._planned.difference(delivered):
            delivered.append(str(command["id"]))
        if self.due is not None and self.due.until is not None and self._clock.now() < self.due.until:
            self.outside.recall(self.due)
        self.due = self.outside.next(journal) if journal is not None else None
