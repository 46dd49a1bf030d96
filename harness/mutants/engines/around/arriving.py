"""Engines that mistake what arrives: signals that are alike, timers that are up together, values that are not JSON."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from cutover.engines.api import EngineContext, ExecutionRequest, JsonValue, Signal, WaitNode
from cutover.engines.payloads import encode
from cutover.engines.v2.graph import Graph
from cutover.engines.v2.planner import Step
from cutover.engines.v2.recovery import Claimed, Rows
from cutover.engines.v2.run import ExecutionRun
from cutover.harness.mutants.engines.broken import BrokenV2
from cutover.harness.mutants.patching import Patch

__all__ = [
    "CutsSignalIds",
    "EndsOneTimerACall",
    "ForgetsAnsweredNames",
    "GivesUpAfterTenDrives",
    "IgnoresCaseOfIds",
    "NullsWhatIsNoNumber",
    "TakesAlikeForOne",
    "TrimsSignalIds",
]

_MOST_DRIVES = 10
_ID_LENGTH = 32


class GivesUpAfterTenDrives(BrokenV2):
    """Takes an execution that has been claimed more than ten times for one that kills its workers, and ends it."""

    def restore(self, execution_id: UUID, claimed: Claimed) -> tuple[ExecutionRun, Rows]:
        """As V2, and cancels it from the eleventh time on."""
        run, rows = super().restore(execution_id, claimed)
        if claimed.epoch > _MOST_DRIVES:
            run.cancel()
        return run, rows


class ForgetsAnsweredNames(BrokenV2):
    """Drops a signal whose name an ended wait had, where no wait is paused for it."""

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        self.waits: dict[str, set[str]] = {}

    def restore(self, execution_id: UUID, claimed: Claimed) -> tuple[ExecutionRun, Rows]:
        """As V2, and knows which waits have which name."""
        run, rows = super().restore(execution_id, claimed)
        self.waits = {}
        for node in _waits(run.top.graph):
            if node.signal is not None:
                self.waits.setdefault(node.signal, set()).add(node.id)
        return run, rows

    def is_new(self, signal: Signal, rows: Rows) -> bool:
        """Not where the name has been answered."""
        named = self.waits.get(signal.name, set())
        found = {row.status for step_id, row in rows.steps.items() if step_id.rpartition("/")[2] in named}
        return super().is_new(signal, rows) and ("paused" in found or "completed" not in found)


class TakesAlikeForOne(BrokenV2):
    """Takes a signal for one that is kept already, where name and payload are the same."""

    def is_new(self, signal: Signal, rows: Rows) -> bool:
        """Not where its like is kept."""
        kept = [(name, payload) for name, payload, used_by in rows.signals.values() if used_by is None]
        return super().is_new(signal, rows) and (signal.name, encode(signal.payload)) not in kept


class _OwnIds(BrokenV2):
    """Changes the ids of signals before it looks at them."""

    def told_apart_by(self, signal_id: str) -> str:
        """What it makes of an id."""
        return signal_id

    def resume(self, execution_id: UUID, signal: Signal | None = None) -> None:
        """As V2, with the id as it makes it."""
        super().resume(execution_id, signal and replace(signal, id=self.told_apart_by(signal.id)))


class CutsSignalIds(_OwnIds):
    """Keeps the first 32 characters of a signal's id."""

    def told_apart_by(self, signal_id: str) -> str:
        """Cut."""
        return signal_id[:_ID_LENGTH]


class IgnoresCaseOfIds(_OwnIds):
    """Keeps a signal's id in small letters."""

    def told_apart_by(self, signal_id: str) -> str:
        """In small letters."""
        return signal_id.casefold()


class TrimsSignalIds(_OwnIds):
    """Keeps a signal's id with one blank where there are several, and none at its ends."""

    def told_apart_by(self, signal_id: str) -> str:
        """Trimmed."""
        return " ".join(signal_id.split())


class EndsOneTimerACall(BrokenV2):
    """Ends one wait whose timer is up in each command, and leaves the others waiting."""

    def patches(self) -> tuple[Patch, ...]:
        """How waits are found whose timer is up."""
        original = ExecutionRun._overdue
        ended: set[int] = set()

        def overdue(run: ExecutionRun, now: datetime) -> Step | None:
            step = None if id(run) in ended else original(run, now)
            if step is not None:
                ended.add(id(run))
            return step

        return ((ExecutionRun, "_overdue", overdue),)


class NullsWhatIsNoNumber(BrokenV2):
    """Keeps null for NaN and for what is infinite, and refuses neither."""

    def execute(self, request: ExecutionRequest) -> None:
        """As V2, with null."""
        super().execute(replace(request, input=_finite(request.input)))


def _finite(value: JsonValue) -> JsonValue:
    match value:
        case float() if not math.isfinite(value):
            return None
        case list():
            return [_finite(each) for each in value]
        case dict():
            return {key: _finite(each) for key, each in value.items()}
    return value


def _waits(graph: Graph) -> Iterator[WaitNode]:
    for index, node in enumerate(graph.nodes):
        if isinstance(node, WaitNode):
            yield node
        if index in graph.bodies:
            yield from _waits(graph.bodies[index])
