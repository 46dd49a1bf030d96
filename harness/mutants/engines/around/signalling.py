"""Engines that lose, mix up or double signals which come early, twice, or to an execution that is held."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import replace
from uuid import UUID

from cutover.engines.api import EngineContext, JsonText, Signal, WaitNode
from cutover.engines.errors import ExecutionHeld, UnknownExecution
from cutover.engines.v2.planner import Step
from cutover.engines.v2.recovery import Claimed, Rows
from cutover.engines.v2.run import ExecutionRun
from cutover.harness.mutants.engines.broken import BrokenV2
from cutover.harness.mutants.patching import Patch

__all__ = [
    "DropsEarlySignals",
    "DropsWhatATakeoverBrings",
    "IgnoresCaseOfNames",
    "KeepsOneSignal",
    "KeepsSignalsInMemory",
    "MatchesPrefixes",
    "ServesTheNewest",
    "ServesTheSignalTwice",
    "SwallowsHeldSignals",
    "SwallowsUnknownSignals",
    "TakesSignalsTwice",
    "WakesAllWaits",
]


def _paused(run: ExecutionRun) -> list[tuple[Step, str]]:
    """The paused waits that a signal could end, with its name, in definition order."""
    waits = [
        (step, step.node.signal)
        for step in run.open.values()
        if step.status == "paused" and isinstance(step.node, WaitNode) and step.node.signal is not None
    ]
    return sorted(waits, key=lambda each: each[0].place)


class _OwnReceive(BrokenV2):
    """V2 that takes signals in otherwise."""

    def receive(
        self, run: ExecutionRun, signal: tuple[str, str, JsonText], take: Callable[[str, str, JsonText], None]
    ) -> None:
        """Takes a signal in; `take` does it as V2 does."""
        del run
        take(*signal)

    def patches(self) -> tuple[Patch, ...]:
        """How a signal is taken in."""
        original = ExecutionRun.receive

        def receive(run: ExecutionRun, signal_id: str, name: str, payload: JsonText) -> None:
            def take(own_id: str, own_name: str, own_payload: JsonText) -> None:
                original(run, own_id, own_name, own_payload)

            self.receive(run, (signal_id, name, payload), take)

        return ((ExecutionRun, "receive", receive),)


class DropsEarlySignals(_OwnReceive):
    """Drops a signal that no paused wait awaits."""

    def receive(
        self, run: ExecutionRun, signal: tuple[str, str, JsonText], take: Callable[[str, str, JsonText], None]
    ) -> None:
        """As V2 where a wait is paused for it."""
        if any(awaited == signal[1] for _, awaited in _paused(run)):
            take(*signal)


class DropsWhatATakeoverBrings(_OwnReceive):
    """Drops a signal that comes while an activity is under way that another worker began."""

    def receive(
        self, run: ExecutionRun, signal: tuple[str, str, JsonText], take: Callable[[str, str, JsonText], None]
    ) -> None:
        """As V2 where no activity is under way."""
        if run.active is None or run.active.status != "running":
            take(*signal)


class MatchesPrefixes(_OwnReceive):
    """Takes a signal for that of a wait whose name begins as its own does."""

    def receive(
        self, run: ExecutionRun, signal: tuple[str, str, JsonText], take: Callable[[str, str, JsonText], None]
    ) -> None:
        """As V2, with the wait's name."""
        signal_id, name, payload = signal
        alike = (awaited for _, awaited in _paused(run) if name.startswith(awaited) or awaited.startswith(name))
        take(signal_id, next(alike, name), payload)


class IgnoresCaseOfNames(_OwnReceive):
    """Takes names for one that differ in their case."""

    def receive(
        self, run: ExecutionRun, signal: tuple[str, str, JsonText], take: Callable[[str, str, JsonText], None]
    ) -> None:
        """As V2, with the wait's name."""
        signal_id, name, payload = signal
        alike = (awaited for _, awaited in _paused(run) if name.lower() == awaited.lower())
        take(signal_id, next(alike, name), payload)


class WakesAllWaits(_OwnReceive):
    """Wakes every wait of a signal's name."""

    def receive(
        self, run: ExecutionRun, signal: tuple[str, str, JsonText], take: Callable[[str, str, JsonText], None]
    ) -> None:
        """As V2, as often as waits are paused for it."""
        waiting = [step for step, awaited in _paused(run) if awaited == signal[1]]
        take(*signal)
        for step in waiting[1:]:
            run._wake(step, signal[2], ("out",))


class _OwnSignals(BrokenV2):
    """V2 that finds other signals kept than there are."""

    def kept(self, signals: list[tuple[str, str, JsonText]]) -> list[tuple[str, str, JsonText]]:
        """What it makes of the signals that are kept, oldest first."""
        return signals

    def restore(self, execution_id: UUID, claimed: Claimed) -> tuple[ExecutionRun, Rows]:
        """As V2, with its own view of what is kept."""
        run, rows = super().restore(execution_id, claimed)
        run.signals = self.kept(run.signals)
        return run, rows


class ServesTheNewest(_OwnSignals):
    """Serves the signal first that came last."""

    def kept(self, signals: list[tuple[str, str, JsonText]]) -> list[tuple[str, str, JsonText]]:
        """The newest first."""
        return signals[::-1]


class KeepsOneSignal(_OwnSignals):
    """Keeps one signal of each name, the newest."""

    def kept(self, signals: list[tuple[str, str, JsonText]]) -> list[tuple[str, str, JsonText]]:
        """One a name."""
        return list({name: (key, name, payload) for key, name, payload in signals}.values())


class KeepsSignalsInMemory(_OwnSignals):
    """Knows of the kept signals that it took in itself, and of no other worker's."""

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        self.known: set[str] = set()

    def resume(self, execution_id: UUID, signal: Signal | None = None) -> None:
        """As V2, and remembers the signal."""
        if signal is not None:
            self.known.add(signal.id)
        super().resume(execution_id, signal)

    def kept(self, signals: list[tuple[str, str, JsonText]]) -> list[tuple[str, str, JsonText]]:
        """Its own."""
        return [each for each in signals if each[0] in self.known]


class ServesTheSignalTwice(_OwnSignals):
    """Finds signals that a wait has used up among those that are kept."""

    def restore(self, execution_id: UUID, claimed: Claimed) -> tuple[ExecutionRun, Rows]:
        """As V2, with every signal there ever was."""
        run, rows = super().restore(execution_id, claimed)
        run.signals = [(key, name, payload) for key, (name, payload, _) in rows.signals.items()]
        return run, rows


class TakesSignalsTwice(BrokenV2):
    """Takes a signal in again that another worker has taken in."""

    def resume(self, execution_id: UUID, signal: Signal | None = None) -> None:
        """As V2, with ids that are each worker's own."""
        own = None if signal is None else replace(signal, id=f"{signal.id} {self.owner}")
        super().resume(execution_id, own)


class SwallowsHeldSignals(BrokenV2):
    """Says of a signal to an execution that another worker holds that it was delivered."""

    def resume(self, execution_id: UUID, signal: Signal | None = None) -> None:
        """As V2, and never refuses a signal."""
        with nullcontext() if signal is None else suppress(ExecutionHeld):
            super().resume(execution_id, signal)


class SwallowsUnknownSignals(BrokenV2):
    """Says of a signal to an execution that is not there that it was delivered."""

    def resume(self, execution_id: UUID, signal: Signal | None = None) -> None:
        """As V2, and never refuses a signal."""
        with nullcontext() if signal is None else suppress(UnknownExecution):
            super().resume(execution_id, signal)
