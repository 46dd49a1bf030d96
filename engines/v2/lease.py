"""The lease: who drives an execution, and its renewal while one activity runs long. Does I/O, on a thread of its own.

Normal steps renew the lease with their commit and pay nothing here but one assignment. The thread starts with the first
activity, looks every third of the lease's time, and ends when it finds nothing to watch; its connection is opened
when there is something to renew.
"""

from __future__ import annotations

import os
import threading
import time
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID, uuid4

import psycopg

from cutover.engines.api import Clock
from cutover.engines.errors import EngineError
from cutover.engines.sqlfiles import sql
from cutover.engines.v2.store import connect

__all__ = ["TTL", "Held", "Renewer", "new_owner"]

TTL = timedelta(seconds=30)
"""How long a lease lasts by the injected clock."""


class Held(NamedTuple):
    """A lease in use; `since` is the monotonic clock's time at which its activity or pause began, in seconds."""

    execution_id: UUID
    epoch: int
    owner: str
    since: float


def new_owner() -> str:
    """A name for a worker that no other process and no other engine has."""
    return f"{os.getpid()}-{uuid4()}"


class Renewer:
    """Prolongs the leases of the executions that are being watched: one, or more where an activity runs another."""

    def __init__(self, dsn: str, clock: Clock, *, every_s: float = TTL.total_seconds() / 3) -> None:
        self._dsn = dsn
        self._clock = clock
        self._every_s = every_s
        self._held: list[Held] = []
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def watch(self, execution_id: UUID, epoch: int, owner: str) -> None:
        """Something begins that may take long."""
        with self._lock:
            self._held.append(Held(execution_id, epoch, owner, time.monotonic()))
            if self._thread is None:
                self._thread = threading.Thread(target=self._keep, name="v2-lease", daemon=True)
                self._thread.start()

    def rest(self) -> None:
        """What began last has ended."""
        self._held.pop()

    def close(self) -> None:
        """Ends the thread and its connection."""
        self._stop.set()
        thread = self._thread
        if thread is not None and thread.is_alive():
            thread.join()

    def _keep(self) -> None:
        connection: psycopg.Connection[tuple[object, ...]] | None = None
        try:
            while not self._stop.wait(self._every_s):
                with self._lock:
                    watched = tuple(self._held)
                    if not watched:
                        self._thread = None
                        return
                for held in watched:
                    if time.monotonic() - held.since >= self._every_s / 2:
                        connection = self._renew(connection, held)
        except BaseException:
            with self._lock:
                self._thread = None  # Python shows the error; the next activity starts another
            raise
        finally:
            if connection is not None:
                connection.close()

    def _renew(
        self, connection: psycopg.Connection[tuple[object, ...]] | None, held: Held
    ) -> psycopg.Connection[tuple[object, ...]] | None:
        """Writes the new deadline; a failure is left to the next turn, and to the guard of the next commit."""
        expires = self._clock.now() + TTL
        try:
            if connection is None or connection.closed:
                connection = connect(self._dsn)
            connection.execute(
                sql("cutover.engines.v2", "renew"),
                {"id": held.execution_id, "epoch": held.epoch, "owner": held.owner, "expires": expires},
            )
        except (psycopg.Error, EngineError):
            return connection
        return connection
