"""Engines that go wrong while an activity takes long: they lose the lease, the answer, its duration or a cancel."""

from __future__ import annotations

import time
from typing import Any, ClassVar, Final
from uuid import UUID

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from cutover.engines.api import Activities, ActivityCall, ActivityResult, EngineContext
from cutover.engines.errors import ActivityError
from cutover.engines.sqlfiles import sql
from cutover.engines.v2 import orchestrator
from cutover.engines.v2.lease import Held, Renewer
from cutover.harness.mutants.engines.broken import BrokenV2
from cutover.harness.mutants.patching import Patch

__all__ = [
    "CancelsNobodyAtWork",
    "CountsPartsOfSeconds",
    "RenewsElsewhere",
    "RenewsTheNewest",
    "RenewsTwice",
    "RenewsUntilTheLineIsCut",
    "TimesAnswersOut",
]

_HERE: Final = "cutover.harness.mutants.engines"
_MOST_S: Final = 20.0
_MOST_RENEWALS: Final = 2
_WHERE: Final = frozenset({"host", "hostaddr", "port", "dbname", "user", "password"})


class _Timed:
    """Activities whose answer is an error where it took long."""

    def __init__(self, world: Activities) -> None:
        self._world = world

    def call(self, call: ActivityCall) -> ActivityResult:
        """The answer, or what it is taken for."""
        began = time.monotonic()
        result = self._world.call(call)
        if time.monotonic() - began > _MOST_S:
            raise ActivityError(f"no answer within {_MOST_S:g} s")
        return result


class TimesAnswersOut(BrokenV2):
    """Takes an answer that comes after 20 s for an error, though nobody asked for a time limit."""

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        self.activities = _Timed(context.activities)


class _TwiceAtMost(Renewer):
    def _renew(
        self, connection: psycopg.Connection[tuple[object, ...]] | None, held: Held
    ) -> psycopg.Connection[tuple[object, ...]] | None:
        key, times = self.__dict__.get("renewed", (held, 0))
        times = times + 1 if key == held else 1
        self.__dict__["renewed"] = held, times
        return super()._renew(connection, held) if times <= _MOST_RENEWALS else connection


class RenewsTwice(BrokenV2):
    """Prolongs a lease twice for one activity, and then lets it run out."""

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        self.renewer = _TwiceAtMost(context.dsn, context.clock)


class _StaysOffline(Renewer):
    def _renew(
        self, connection: psycopg.Connection[tuple[object, ...]] | None, held: Held
    ) -> psycopg.Connection[tuple[object, ...]] | None:
        return connection if connection is not None and connection.closed else super()._renew(connection, held)


class RenewsUntilTheLineIsCut(BrokenV2):
    """Prolongs leases for as long as its renewing connection lasts."""

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        self.renewer = _StaysOffline(context.dsn, context.clock)


class _HoldsOne(Renewer):
    def watch(self, execution_id: UUID, epoch: int, owner: str) -> None:
        super().watch(execution_id, epoch, owner)
        del self._held[:-1]

    def rest(self) -> None:
        self._held.clear()

    def close(self) -> None:
        """Others may have need of it."""


class RenewsTheNewest(BrokenV2):
    """Prolongs, for all engines of a process on a database, the lease of the execution that began an activity last."""

    renewers: ClassVar[dict[str, Renewer]] = {}

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        self.renewer = self.renewers.setdefault(context.dsn, _HoldsOne(context.dsn, context.clock))


class RenewsElsewhere(BrokenV2):
    """Connects for its renewals with what says where the database is, and drops whatever else it was given."""

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        where: dict[str, Any] = {name: value for name, value in conninfo_to_dict(context.dsn).items() if name in _WHERE}
        self.renewer = Renewer(make_conninfo(**where), context.clock)


class CountsPartsOfSeconds(BrokenV2):
    """Measures how long an activity took without its whole seconds."""

    def patches(self) -> tuple[Patch, ...]:
        """How it is measured."""

        def since(began: float) -> float:
            return (time.perf_counter() - began) % 1 * 1_000

        return ((orchestrator, "_ms_since", since),)


class CancelsNobodyAtWork(BrokenV2):
    """Does nothing where another worker's lease stands, and returns as if it had cancelled."""

    def cancel(self, execution_id: UUID) -> None:
        """As V2, where nobody is at work."""
        held = {"id": execution_id, "owner": self.owner, "now": self.clock.now()}
        if self.store.connection.execute(sql(_HERE, "held_by_another"), held).fetchone() is None:
            super().cancel(execution_id)
