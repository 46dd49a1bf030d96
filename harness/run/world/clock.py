"""Virtual clocks for engines: time that jumps and never waits. Pure but for shared memory and the monotonic clock."""

from __future__ import annotations

import mmap
import struct
import time
from datetime import UTC, datetime, timedelta

__all__ = ["EPOCH", "NEW_YEARS_EVE", "PassingClock", "SharedClock", "VirtualClock"]

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
"""When virtual time begins, the same for every arm, so that arms can be compared."""

NEW_YEARS_EVE = EPOCH - timedelta(seconds=15)
"""When it begins in crash cases: whoever takes over when a lease has run out does so in another year."""

_UNIX = datetime(1970, 1, 1, tzinfo=UTC)


class VirtualClock:
    """Time that stands still until it is slept on or advanced; it never runs backwards and never waits."""

    def __init__(self, start: datetime = EPOCH) -> None:
        self._now = start

    def now(self) -> datetime:
        """Returns the virtual time, UTC."""
        return self._now

    def sleep_until(self, deadline: datetime) -> None:
        """Jumps to the deadline; does nothing where it has passed."""
        self._now = max(self._now, deadline)

    def advance(self, to: datetime) -> None:
        """Moves on to a time, as the harness does to fire a timer."""
        self.sleep_until(to)


class PassingClock(VirtualClock):
    """Virtual time that passes as real time does from when it was made, and jumps where it is slept on."""

    def __init__(self, start: datetime = EPOCH) -> None:
        super().__init__(start)
        self._looked = time.monotonic()

    def now(self) -> datetime:
        """Returns the time, UTC."""
        looked = time.monotonic()
        self._now += timedelta(seconds=looked - self._looked)
        self._looked = looked
        return self._now

    def sleep_until(self, deadline: datetime) -> None:
        """Jumps to the deadline; does nothing where it has passed."""
        self._now = max(self.now(), deadline)


class SharedClock:
    """Virtual time in memory that a process and its children share; within a case it only moves forwards."""

    def __init__(self, start: datetime = EPOCH) -> None:
        self._memory = mmap.mmap(-1, 8)
        self.restart(start)

    def restart(self, start: datetime) -> None:
        """Sets the time for the next case."""
        self._write(start)

    def now(self) -> datetime:
        """Returns the time, UTC."""
        micros: int = struct.unpack_from("<q", self._memory)[0]
        return _UNIX + timedelta(microseconds=micros)

    def advance_to(self, moment: datetime) -> None:
        """Moves on to `moment`; does nothing where it has passed."""
        if moment > self.now():
            self._write(moment)

    def sleep_until(self, deadline: datetime) -> None:
        """Moves on to the deadline, as virtual time does."""
        self.advance_to(deadline)

    def _write(self, moment: datetime) -> None:
        struct.pack_into("<q", self._memory, 0, (moment - _UNIX) // timedelta(microseconds=1))
