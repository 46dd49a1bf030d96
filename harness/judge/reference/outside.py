"""What the harness brings to an execution that waits, as the reference model knows it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cutover.engines.api import WaitNode
from cutover.engines.payloads import encode
from cutover.harness.judge.reference.steps import Ran
from cutover.scenarios.model import PlannedSignal

__all__ = ["ExpectedOutside"]


class ExpectedOutside:
    """Signals and the clock; `clock_ms` counts from the start, `delivered` are signal ids in order."""

    def __init__(self, signals: Sequence[PlannedSignal]) -> None:
        self._signals = signals
        self._inbox: list[PlannedSignal] = []
        self.clock_ms = 0.0
        self.delivered: list[str] = []

    def bring(self, steps: Iterable[Ran]) -> bool:
        """Brings what the harness brings at a pause: the first awaited signal, else the clock to the earliest timer.

        Returns whether there was anything. Raises PayloadRefused for a signal whose payload JSON cannot carry.
        """
        paused = [(ran, ran.node) for ran in steps if ran.status == "paused"]
        waits = [(ran, node) for ran, node in paused if isinstance(node, WaitNode)]
        for ran, _ in waits:
            ran.seen_ms = self.clock_ms if ran.seen_ms is None else ran.seen_ms
        awaited = {node.signal for _, node in waits}
        for signal in self._signals:
            if signal.id not in self.delivered and signal.name in awaited:
                encode(signal.payload)
                self.delivered.append(signal.id)
                self._inbox.append(signal)
                return True
        due = [(ran.seen_ms or 0) + node.timeout_ms for ran, node in waits if node.timeout_ms is not None]
        if due:
            self.clock_ms = max(self.clock_ms, min(due))
        return bool(due)

    def take(self, name: str | None) -> PlannedSignal | None:
        """Uses up the oldest kept signal of that name."""
        found = next((signal for signal in self._inbox if signal.name == name), None)
        if found is not None:
            self._inbox.remove(found)
        return found
