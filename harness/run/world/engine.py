"""An engine that runs nothing here: what it is given, and how it is asked what it has committed. Calls the engine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Final, get_args, get_type_hints
from uuid import UUID

from cutover.engines.api import (
    ActivityCall,
    ActivityResult,
    CheckpointRow,
    Engine,
    EngineContext,
    EventRow,
    ExecutionRow,
    Journal,
    MetricRow,
    StepRow,
    TimerRow,
)
from cutover.engines.errors import ActivityError
from cutover.harness.errors import CutoverProblem
from cutover.harness.run.world.clock import VirtualClock

__all__ = ["EngineProblem", "NoActivities", "committed", "idle"]


class EngineProblem(CutoverProblem):
    """The engine cannot be tested as it is, because its journal cannot be read; the message says how it failed."""

    exit_status = 2


@dataclass(frozen=True, slots=True)
class NoActivities:
    """Refuses every activity call; `purpose` says in the error what the engine was made for."""

    purpose: str

    def call(self, call: ActivityCall) -> ActivityResult:
        """Refuses."""
        raise ActivityError(f"{self.purpose} was asked to run step {call.step_id}", retryable=False)


def idle(dsn: str, purpose: str) -> EngineContext:
    """Returns the context of an engine that is made to be installed, looked at or routed to; its logs are discarded."""
    return EngineContext(dsn=dsn, activities=NoActivities(purpose), clock=VirtualClock(), log=_discard)


def committed(engine: Engine, execution_id: UUID) -> Journal:
    """Returns an execution's journal.

    Raises what the engine raises, and TypeError where it returns anything else or a time in it is not an aware one.
    """
    found: object = engine.journal(execution_id)
    if not isinstance(found, Journal):
        raise TypeError(f"journal() gave {type(found).__name__} instead of cutover.engines.api.Journal")
    if (odd := next(_odd_times(found), None)) is not None:
        raise TypeError(f"journal() gave {odd}; a time is a datetime with its time zone, in UTC")
    return found


def _odd_times(journal: Journal) -> Iterator[str]:
    """Yields what is in the place of a time and is none, or does not say in which zone it is."""
    lists = (journal.steps, journal.events, journal.checkpoints, journal.metrics, journal.timers)
    rows: Iterator[object] = chain([journal.execution], *lists)
    for row in rows:
        for name, needed in _TIMES.get(type(row), ()):
            at: object = getattr(row, name)
            if at is None and not needed:
                continue
            if not isinstance(at, datetime) or at.tzinfo is None:
                step_id = getattr(row, "step_id", None)
                whose = "the execution's" if step_id is None else f"step {step_id}'s"
                yield f"{at!a:.60} as {whose} {name}"


def _times(kind: type) -> tuple[tuple[str, bool], ...]:
    """Returns the names of a row's times, and whether each is needed."""
    hints = get_type_hints(kind)
    times = ((name, hint) for name, hint in hints.items() if datetime in (hint, *get_args(hint)))
    return tuple((name, hint is datetime) for name, hint in times)


_ROWS: Final = (ExecutionRow, StepRow, EventRow, CheckpointRow, MetricRow, TimerRow)
_TIMES: Final[Mapping[type, tuple[tuple[str, bool], ...]]] = {kind: _times(kind) for kind in _ROWS}


def _discard(_line: str) -> None:
    """An engine that runs nothing has nothing to say."""
