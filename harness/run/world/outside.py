"""What happens outside the engine when an execution pauses: cancel, signal, or time passes. Pure but for its memory."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from cutover.engines.api import Clock, Journal, JsonValue, LoopNode, StepRow, WaitNode, Workflow
from cutover.engines.payloads import encode
from cutover.harness.record.instants import later
from cutover.scenarios.model import PlannedSignal, Scenario

__all__ = ["Move", "Outside", "signal_command"]

_ITERATION = re.compile(r"\[\d+\]")


@dataclass(frozen=True, slots=True)
class Move:
    """The next thing to do: cancel, deliver `signal`, or resume once the clock shows `until`."""

    kind: Literal["cancel", "signal", "resume"]
    signal: PlannedSignal | None = None
    until: datetime | None = None

    def command(self) -> dict[str, JsonValue]:
        """Returns the command to a worker."""
        return {"op": self.kind} if self.signal is None else signal_command(self.signal)


class Outside:
    """Decides by the rule of `scenarios.model`: a planned cancel, else the first awaited signal, else the first timer.

    A timer is due `timeout_ms` after the pause of its wait was first seen here, and is woken once: a wait that stays
    paused after that is the engine's fault, and the outside does not try for ever.
    """

    def __init__(self, scenario: Scenario, clock: Clock) -> None:
        self._scenario = scenario
        self._clock = clock
        self._waits = dict(_waits(scenario.workflow))
        self._due: dict[str, datetime] = {}
        self._woken: set[tuple[datetime, str]] = set()
        self.delivered: list[str] = []
        self.pauses = 0

    def next(self, journal: Journal) -> Move | None:
        """Returns what follows a return of the engine; None where the execution has ended or nothing will happen."""
        if journal.execution.status not in ("pending", "running"):
            return None
        self.pauses += 1
        if self._scenario.cancel_at_pause == self.pauses:
            return Move("cancel")
        paused = [step.step_id for step in journal.steps if step.status == "paused"]
        waits = {
            step_id: self._waits[path] for step_id in paused if (path := _ITERATION.sub("", step_id)) in self._waits
        }
        awaited = {wait.signal for wait in waits.values()}
        for signal in self._scenario.signals:
            if signal.id not in self.delivered and signal.name in awaited:
                return Move("signal", signal=signal)
        deadlines = self._deadlines(waits) - self._woken
        if not deadlines:
            return None
        due = min(deadlines)
        self._woken.add(due)
        return Move("resume", until=due[0])

    def waits_of(self, journal: Journal) -> Sequence[StepRow]:
        """Returns the steps of the journal that are waits."""
        if not self._waits:
            return ()
        return [step for step in journal.steps if _ITERATION.sub("", step.step_id) in self._waits]

    def recall(self, move: Move) -> None:
        """Takes back a timer's move that was not made, so that `next` returns it again."""
        self._woken = {due for due in self._woken if due[0] != move.until}

    def _deadlines(self, waits: dict[str, WaitNode]) -> set[tuple[datetime, str]]:
        now = self._clock.now()
        return {
            (self._due.setdefault(step_id, later(now, wait.timeout_ms)), step_id)
            for step_id, wait in waits.items()
            if wait.timeout_ms is not None
        }


def signal_command(signal: PlannedSignal, *, name: str | None = None) -> dict[str, JsonValue]:
    """Returns the command that delivers a signal, or one of an unknown id, `name`, with the same payload."""
    return {"op": "signal", "id": name or signal.id, "name": signal.name, "payload": encode(signal.payload)}


def _waits(workflow: Workflow, prefix: str = "") -> Iterable[tuple[str, WaitNode]]:
    for node in workflow.nodes:
        if isinstance(node, WaitNode):
            yield prefix + node.id, node
        elif isinstance(node, LoopNode):
            yield from _waits(node.body, f"{prefix}{node.id}/")
