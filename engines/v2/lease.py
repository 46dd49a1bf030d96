"""The lease: who may drive an execution. Taking it, giving it back, and renewing it while one activity runs long.

Does I/O. Claims and releases are single guarded statements. Normal steps renew the lease with their commit and pay
nothing here but one assignment. The renewing thread starts with the first activity, looks every third of the lease's
time, and ends when it finds nothing to watch; its connection is opened when there is something to renew.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid4

import psycopg

from cutover.engines.api import Clock
from cutover.engines.errors import EngineError, ExecutionHeld, UnknownExecution
from cutover.engines.sqlfiles import sql
from cutover.engines.v2.lines import VERSION, LogLines
from cutover.engines.v2.recovery import Claimed
from cutover.engines.v2.store import Store, connect

__all__ = ["CLAIM_TRIES", "TTL", "Claims", "Held", "Renewer", "new_owner"]

TTL = timedelta(seconds=30)
"""How long a lease lasts by the injected clock."""

CLAIM_TRIES: Final = 10
"""How often a claim is sent while other workers claim and release the execution."""


def new_owner() -> str:
    """Returns a name for a worker that no other process and no other engine has."""
    return f"{os.getpid()}-{uuid4()}"


class Claims:
    """The executions that one worker holds."""

    def __init__(self, store: Store, clock: Clock, lines: LogLines, owner: str) -> None:
        self._store = store
        self._clock = clock
        self._lines = lines
        self._owner = owner
        self._driving: set[UUID] = set()

    def take(self, execution_id: UUID, signal_id: str | None = None, *, force: bool = False) -> Claimed | None:
        """Claims the execution under a new epoch; returns None where there is nothing to do.

        With `force` it is taken from whoever holds it, as long as it runs. Raises UnknownExecution, ExecutionHeld.
        """
        wanted = self.terms(execution_id, signal_id, force=force)
        for _ in range(CLAIM_TRIES):
            taken = self._store.run("claim", wanted)
            if taken:
                claimed = Claimed(*taken[0])
                self._lines.operation(
                    "LEASE_TAKEN", execution_id, claimed.node_id, epoch=claimed.epoch, owner=self._owner
                )
                return claimed
            if not self._again(wanted):
                return None
        raise ExecutionHeld(f"execution {execution_id} changed hands {CLAIM_TRIES} times meanwhile; try again")

    def terms(self, execution_id: UUID, signal_id: str | None, *, force: bool) -> dict[str, Any]:
        """What claim.sql and standing.sql decide by."""
        now = self._clock.now()
        return {
            "id": execution_id,
            "owner": self._owner,
            "now": now,
            "expires": now + TTL,
            "served_by": VERSION,
            "signal": signal_id,
            "force": force,
        }

    def release(self, execution_id: UUID, epoch: int) -> None:
        """Releases a lease under which there was nothing to do."""
        self._store.run("release", {"id": execution_id, "epoch": epoch})

    @contextmanager
    def driving(self, execution_id: UUID) -> Iterator[None]:
        """Marks the execution as driven by this worker, so that nothing in this process takes it over meanwhile."""
        if execution_id in self._driving:
            raise ExecutionHeld(f"execution {execution_id} is being driven by this very worker")
        self._driving.add(execution_id)
        try:
            yield
        finally:
            self._driving.discard(execution_id)

    @contextmanager
    def giving_up(self, execution_id: UUID, epoch: int) -> Iterator[None]:
        """Expires the lease at once where a drive ends by an error, so that no worker has to wait for it."""
        try:
            yield
        except BaseException:
            with suppress(psycopg.Error, EngineError):
                mine = {"id": execution_id, "epoch": epoch, "owner": self._owner, "now": self._clock.now()}
                self._store.run("give_up", mine)
            raise

    def _again(self, wanted: dict[str, Any]) -> bool:
        """Why a claim took nothing: True where another worker has let go since, and it may be sent again."""
        execution_id = wanted["id"]
        found = self._store.run("standing", wanted)
        if not found:
            raise UnknownExecution(f"no execution has the id {execution_id}; start it with execute() first")
        status, served_by, owner, expires, free = found[0]
        if served_by != VERSION:
            raise EngineError(f"execution {execution_id} is served by {served_by or 'v1'}; resume it there")
        if status != "running":
            return False
        if free or wanted["force"]:
            return True
        if owner is None:
            return False
        raise ExecutionHeld(f"execution {execution_id} is driven by {owner} until {expires}; try again after that")


class Held(NamedTuple):
    """A lease in use; `since` is the monotonic clock's time at which its activity or pause began, in seconds."""

    execution_id: UUID
    epoch: int
    owner: str
    since: float


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
