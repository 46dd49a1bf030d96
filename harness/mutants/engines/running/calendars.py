"""Engines whose deadlines are those of a calendar or of a number that is too small, and one that times the sending."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from cutover.engines.api import EngineContext, JsonText
from cutover.engines.v2 import checkpoints, retry
from cutover.engines.v2 import run as runs
from cutover.engines.v2.store import Store
from cutover.harness.mutants.engines.broken import BrokenV2
from cutover.harness.mutants.patching import Patch

__all__ = [
    "EndsPausesInSignedSeconds",
    "EndsWaitsInSignedSeconds",
    "PausesByAmericanTime",
    "TimesTheSending",
    "WaitsByEuropeanTime",
]

_LAST_SIGNED: Final = datetime(2038, 1, 19, 3, 14, 7, tzinfo=UTC)
_HOUR: Final = timedelta(hours=1)
_DUE: Final = retry.due_at

_Due = Callable[[datetime, float], datetime]


def _sunday(year: int, month: int, day: int, hour: int) -> datetime:
    """The first Sunday from a day on, at an hour, UTC."""
    first = datetime(year, month, day, hour, tzinfo=UTC)
    return first + timedelta(days=6 - first.weekday())


def _european(at: datetime) -> bool:
    return _sunday(at.year, 3, 25, 1) <= at < _sunday(at.year, 10, 25, 1)


def _american(at: datetime) -> bool:
    return _sunday(at.year, 3, 8, 7) <= at < _sunday(at.year, 11, 1, 6)


def _by(in_summer: Callable[[datetime], bool]) -> _Due:
    """Deadlines by clocks on a wall: of the same hour there, before a change and after it."""

    def due_at(now: datetime, delay: float) -> datetime:
        due = _DUE(now, delay)
        return due + _HOUR * (in_summer(now) - in_summer(due))

    return due_at


def _in_signed_seconds(now: datetime, delay: float) -> datetime:
    return min(_DUE(now, delay), _LAST_SIGNED)


class WaitsByEuropeanTime(BrokenV2):
    """Counts the time of a wait on clocks that go forward in March."""

    def patches(self) -> tuple[Patch, ...]:
        """When a wait is over."""
        return ((runs, "due_at", _by(_european)),)


class PausesByAmericanTime(BrokenV2):
    """Counts the pause before an attempt on clocks that go forward in March."""

    def patches(self) -> tuple[Patch, ...]:
        """When a pause is over."""
        return ((retry, "due_at", _by(_american)),)


class EndsWaitsInSignedSeconds(BrokenV2):
    """Has no later deadline of a wait than 32 bits count."""

    def patches(self) -> tuple[Patch, ...]:
        """When a wait is over."""
        return ((runs, "due_at", _in_signed_seconds),)


class EndsPausesInSignedSeconds(BrokenV2):
    """Has no later deadline of a pause before an attempt than 32 bits count."""

    def patches(self) -> tuple[Patch, ...]:
        """When a pause is over."""
        return ((retry, "due_at", _in_signed_seconds),)


class TimesTheSending(BrokenV2):
    """Stops the watch when a checkpoint was sent, and does not wait for the answer."""

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        self.sent_ms = 1.0

    def patches(self) -> tuple[Patch, ...]:
        """What is noted of a commit, and when it was sent."""
        commit: Any = Store.commit
        metadata = checkpoints.metadata

        def timed(store: Store, *args: Any) -> bool:
            *others, meanwhile = args
            began = time.perf_counter()

            def sent() -> None:
                self.sent_ms = (time.perf_counter() - began) * 1_000
                meanwhile()

            landed: bool = commit(store, *others, sent)
            return landed

        def noted(before_ms: float | None, problem: str | None) -> JsonText:
            return metadata(None if before_ms is None else self.sent_ms, problem)

        return ((Store, "commit", timed), (checkpoints, "metadata", noted))
