"""Clocks for engines: a virtual one that jumps, and the machine's. Only SystemClock touches real time."""

from __future__ import annotations

import time
from datetime import UTC, datetime

__all__ = ["EPOCH", "SystemClock", "VirtualClock"]

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
"""When virtual time begins, the same for every arm, so that arms can be compared."""


class VirtualClock:
    """Time that stands still until somebody sleeps or advances it; it never runs backwards and never waits."""

    def __init__(self, start: datetime = EPOCH) -> None:
        self._now = start

    def now(self) -> datetime:
        """The virtual time, UTC."""
        return self._now

    def sleep_until(self, deadline: datetime) -> None:
        """Jumps to the deadline; does nothing where it has passed."""
        self._now = max(self._now, deadline)

    def advance(self, to: datetime) -> None:
        """Moves on to a time, as the harness does to fire a timer."""
        self.sleep_until(to)


class SystemClock:
    """The machine's own time, for the live side."""

    def now(self) -> datetime:
        """The time, UTC."""
        return datetime.now(UTC)

    def sleep_until(self, deadline: datetime) -> None:
        """Sleeps for what is left, if anything."""
        while (left := (deadline - self.now()).total_seconds()) > 0:
            time.sleep(left)
