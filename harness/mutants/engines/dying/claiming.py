"""Engines in which two workers can drive, or end, one execution."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import psycopg

from cutover.engines.api import Clock, EngineContext
from cutover.engines.errors import ExecutionHeld, LeaseLost
from cutover.engines.sqlfiles import sql
from cutover.engines.v2 import lease, writer
from cutover.engines.v2.lease import Claims, Held, Renewer
from cutover.engines.v2.planner import Step
from cutover.engines.v2.recovery import Claimed
from cutover.engines.v2.run import ExecutionRun
from cutover.engines.v2.store import connect
from cutover.engines.v2.writer import Writer
from cutover.harness.mutants.engines.broken import BrokenV2
from cutover.harness.mutants.patching import Patch
from cutover.harness.run.world.clock import VirtualClock

__all__ = [
    "AdoptsItself",
    "FinishesUnfenced",
    "IgnoresRowCount",
    "LeavesRenewalsOpen",
    "NeverRenews",
    "NoReaper",
    "PooledLock",
    "ReadsThenWrites",
    "RenewsFromTheStart",
    "RenewsInTime",
    "RenewsOnlyWhileBusy",
    "RenewsTooLate",
    "RevivesTheEnded",
]

HERE = "cutover.harness.mutants.engines"

_SHORT: Final = timedelta(seconds=8)


class _OwnClaims(BrokenV2):
    """V2 with claims of another kind."""

    kind: type[Claims] = Claims

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        self.claims = self.kind(self.store, context.clock, self.lines, self.owner)


class _OwnWriter(BrokenV2):
    """V2 with a writer of another kind."""

    kind: type[Writer] = Writer

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        self.writer = self.kind(self.store, context.clock, self.lines, self.owner)


class _ReadFirst(Claims):
    def take(self, execution_id: UUID, signal_id: str | None = None, *, force: bool = False) -> Claimed | None:
        found = self._store.run("standing", self.terms(execution_id, signal_id, force=force))
        if force or not found or found[0][2] is None:
            return super().take(execution_id, signal_id, force=force)
        _, _, owner, _, free = found[0]
        if not free:
            raise ExecutionHeld(f"execution {execution_id} is driven by {owner}; try again")
        return super().take(execution_id, signal_id, force=True)


class ReadsThenWrites(_OwnClaims):
    """Reads who holds the lease, decides, and then writes without asking again."""

    kind = _ReadFirst


class _Undeterred(Claims):
    def take(self, execution_id: UUID, signal_id: str | None = None, *, force: bool = False) -> Claimed | None:
        try:
            return super().take(execution_id, signal_id, force=force)
        except ExecutionHeld:
            row = self._store.connection.execute(sql(HERE, "unclaimed"), {"id": execution_id}).fetchone()
            return None if row is None else Claimed(*row)


class IgnoresRowCount(_OwnClaims):
    """Sends the claim and goes on, though it updated no row."""

    kind = _Undeterred


class _NoDead(Claims):
    def take(self, execution_id: UUID, signal_id: str | None = None, *, force: bool = False) -> Claimed | None:
        found = self._store.run("standing", self.terms(execution_id, signal_id, force=force))
        if found and found[0][0] == "running" and found[0][2] not in {None, self._owner} and not force:
            raise ExecutionHeld(f"execution {execution_id} is driven by {found[0][2]}; try again")
        return super().take(execution_id, signal_id, force=force)


class NoReaper(_OwnClaims):
    """Waits for the owner to let go, which a dead one never does."""

    kind = _NoDead


class _Unmarked(Claims):
    @contextmanager
    def driving(self, execution_id: UUID) -> Iterator[None]:
        del execution_id
        yield


class AdoptsItself(_OwnClaims):
    """Looks for orphans while an activity runs, and takes its own execution for one."""

    kind = _Unmarked

    def attempt(self, run: ExecutionRun, step: Step) -> None:
        """As V2, after a look for orphans."""
        looking: set[UUID] = self.__dict__.setdefault("looking", set())
        if run.execution_id not in looking:
            looking.add(run.execution_id)
            self.resume(run.execution_id)
        super().attempt(run, step)


class _LockInPool(Claims):
    def take(self, execution_id: UUID, signal_id: str | None = None, *, force: bool = False) -> Claimed | None:
        found = self._store.run("standing", self.terms(execution_id, signal_id, force=force))
        if not found or found[0][2] is None:
            return super().take(execution_id, signal_id, force=force)
        with psycopg.connect(self._store._dsn, autocommit=True) as pooled:
            pooled.execute("SELECT pg_advisory_lock(hashtext(%s))", (str(execution_id),))
            pooled.execute("DISCARD ALL")  # what a pool does with a connection that comes back
        return super().take(execution_id, signal_id, force=True)


class PooledLock(_OwnClaims):
    """Holds an execution by a session's lock, on a connection that goes back to its pool."""

    kind = _LockInPool


class NeverRenews(BrokenV2):
    """Lets the lease run out while an activity takes long."""

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        self.renewer = _Idle(context.dsn, context.clock)


class _Idle(Renewer):
    def watch(self, execution_id: UUID, epoch: int, owner: str) -> None:
        del execution_id, epoch, owner


class _FromTheStart(Renewer):
    def __init__(self, dsn: str, clock: Clock) -> None:
        super().__init__(dsn, clock)
        self._passing = clock

    def watch(self, execution_id: UUID, epoch: int, owner: str) -> None:
        self._clock = VirtualClock(self._passing.now())
        super().watch(execution_id, epoch, owner)


class RenewsFromTheStart(BrokenV2):
    """Renews the lease to thirty seconds after the activity began, however long ago that is."""

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        self.renewer = _FromTheStart(context.dsn, context.clock)


class _EndsForGood(Renewer):
    def _keep(self) -> None:
        super()._keep()
        self._thread = threading.current_thread()


class RenewsOnlyWhileBusy(BrokenV2):
    """Ends its renewing thread when there has been nothing to renew for a while, and starts no other."""

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        self.renewer = _EndsForGood(context.dsn, context.clock)


class _Uncommitted(Renewer):
    def _renew(
        self, connection: psycopg.Connection[tuple[object, ...]] | None, held: Held
    ) -> psycopg.Connection[tuple[object, ...]] | None:
        if connection is None:
            connection = connect(self._dsn)
            connection.autocommit = False
        return super()._renew(connection, held)


class LeavesRenewalsOpen(BrokenV2):
    """Renews the lease in a transaction that ends with the activity, or later."""

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        self.renewer = _Uncommitted(context.dsn, context.clock)


class _ShortLease(BrokenV2):
    """V2 with a lease of eight seconds."""

    every_s = 0.0

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        self.renewer = Renewer(context.dsn, context.clock, every_s=self.every_s)

    def patches(self) -> tuple[Patch, ...]:
        """How long it lasts."""
        return ((lease, "TTL", _SHORT), (writer, "TTL", _SHORT))


class RenewsTooLate(_ShortLease):
    """Has a lease of eight seconds, and looks whether to renew it every ten."""

    every_s = 10.0


class RenewsInTime(_ShortLease):
    """Sound: has a lease of eight seconds, and renews it every three."""

    every_s = 3.0


class _Unfenced(Writer):
    def commit(self, run: ExecutionRun) -> None:
        try:
            super().commit(run)
        except LeaseLost:
            if run.status == "running":
                raise
            self._store.connection.execute(sql(HERE, "finish"), _end_of(run))


class FinishesUnfenced(_OwnWriter):
    """Guards every write by its lease, but not the one that ends the execution."""

    kind = _Unfenced


class _Late(Writer):
    def commit(self, run: ExecutionRun) -> None:
        try:
            super().commit(run)
        except LeaseLost:
            if run.status == "running":
                self._store.connection.execute(sql(HERE, "finish"), _end_of(run))
            raise


class RevivesTheEnded(_OwnWriter):
    """Writes where it stands although the execution has ended meanwhile."""

    kind = _Late


def _end_of(run: ExecutionRun) -> dict[str, Any]:
    return {"id": run.execution_id, "status": run.status, "output": run.output, "error": run.error}
