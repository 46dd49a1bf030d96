"""A bare probe of the machine and its server, which has nothing of an engine in it. Does I/O, starts processes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any, Final

import psycopg

from cutover.harness.record.machine import MachineReading, ReadingMoment
from cutover.harness.run.postgres.outage import WRITE
from cutover.harness.run.postgres.room import room_of
from cutover.harness.run.process.lifetime import Closing

__all__ = ["MachineProbe", "readings"]

_CONNECT_S: Final = 10
_SLEEP_S: Final = 0.001
_NOTHING: Final = "true"
"""A program that does nothing."""


class MachineProbe(Closing):
    """One session on the server; each reading takes some milliseconds on a quiet machine."""

    def __init__(self, dsn: str) -> None:
        self._session: psycopg.Connection[Any] = psycopg.connect(dsn, autocommit=True, connect_timeout=_CONNECT_S)
        try:
            self._session.execute("SET synchronous_commit = on")
            self._session.execute("SET idle_session_timeout = 0")
        except BaseException:
            self._session.close()
            raise

    def read(self, moment: ReadingMoment, part: str = "") -> MachineReading:
        """Takes one reading. Raises psycopg.OperationalError where the server does not answer."""
        return MachineReading(
            moment=moment,
            round_trip_ms=_ms(lambda: self._session.execute("SELECT 1")),
            commit_ms=_ms(lambda: self._session.execute(WRITE)),
            fork_ms=_ms(_fork),
            delay_ms=max(0.0, _ms(lambda: time.sleep(_SLEEP_S)) - _SLEEP_S * 1_000),
            connections_free=room_of(self._session).free,
            part=part,
        )

    def close(self) -> None:
        """Closes the session."""
        self._session.close()


def readings(dsn: str, count: int = 10) -> tuple[MachineReading, ...]:
    """Takes so many readings at once."""
    with MachineProbe(dsn) as probe:
        return tuple(probe.read("before") for _ in range(count))


def _ms(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return round((time.perf_counter() - began) * 1_000, 3)


def _fork() -> None:
    os.waitpid(os.posix_spawnp(_NOTHING, [_NOTHING], os.environ), 0)
