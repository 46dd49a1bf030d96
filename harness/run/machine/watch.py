"""Reads the machine before, between and after the parts of a run, in a thread that hardly ever works. Does I/O."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from typing import Final

import psycopg

from cutover.harness.record.machine import MachineReading
from cutover.harness.run.machine.probe import MachineProbe
from cutover.harness.run.process.lifetime import Closing

__all__ = ["MachineWatch"]

_AT_ONCE: Final = 10
"""Readings before the first part, and after the last."""
_EVERY_S: Final = 0.25


class MachineWatch(Closing):
    """The readings so far; `part` is what is being played. A server that no longer answers ends the watch, no more."""

    def __init__(self, dsn: str) -> None:
        self.part = ""
        self.before: tuple[MachineReading, ...] = ()
        self._untold: deque[MachineReading] = deque()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._probe = MachineProbe(dsn)
        try:
            self.before = tuple(self._probe.read("before") for _ in range(_AT_ONCE))
        except BaseException:
            self._probe.close()
            raise
        self._untold += self.before
        self._thread.start()

    def take(self) -> tuple[MachineReading, ...]:
        """Returns the readings since the last call."""
        return tuple(self._untold.popleft() for _ in range(len(self._untold)))

    def end(self) -> None:
        """Ends the readings between, and takes those after; once."""
        self._stop()
        with contextlib.suppress(psycopg.OperationalError):
            self._untold += [self._probe.read("after") for _ in range(_AT_ONCE)]

    def close(self) -> None:
        """Ends the thread, and closes the session."""
        self._stop()
        self._probe.close()

    def _stop(self) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        with contextlib.suppress(psycopg.OperationalError, OSError):
            while not self._over.wait(_EVERY_S):
                self._untold.append(self._probe.read("between", self.part))
