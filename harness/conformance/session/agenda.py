"""What the outside would do next, beside a tester who may do something else first. Pure but for its memory."""

from __future__ import annotations

from cutover.engines.api import Journal
from cutover.harness.run.process.hosted import Message
from cutover.harness.run.world.clock import SharedClock
from cutover.harness.run.world.outside import Move, Outside
from cutover.scenarios.model import Scenario

__all__ = ["Agenda"]


class Agenda:
    """One move of the `outside` at a time: due until it is made, `None` where nothing more will happen by itself."""

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

    def heard(self, command: Message, journal: Journal | None) -> None:
        """Takes note that a command was carried out, and of what the outside does now; `journal` is what it left."""
        delivered = self.outside.delivered
        if command["op"] == "signal" and command["id"] in self._planned.difference(delivered):
            delivered.append(str(command["id"]))
        if self.due is not None and self.due.until is not None and self._clock.now() < self.due.until:
            self.outside.recall(self.due)
        self.due = self.outside.next(journal) if journal is not None else None
