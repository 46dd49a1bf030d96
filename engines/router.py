"""The feature flag controller: which engine serves an execution. Reads and writes Postgres over its own connection.

An execution is assigned once, at its start, by its bucket and the flag of that moment; the assignment is pinned in the
execution's row. A rollback therefore stops new starts on the candidate at once, and what is in flight ends where it
began.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from uuid import UUID

import psycopg
from psycopg import errors

from cutover.engines.api import Engine, ExecutionRequest, Journal, Signal
from cutover.engines.connection import Reconnecting
from cutover.engines.errors import EngineError, ExecutionHeld, UnknownExecution
from cutover.engines.flags import OFF, Flag, FlagError, FlagSource
from cutover.engines.payloads import storable_text
from cutover.engines.roles import Role
from cutover.engines.sqlfiles import sql

__all__ = ["BUCKETS", "SALT", "Assignment", "EmptyId", "Router", "assign", "bucket_of"]

BUCKETS = 10_000
"""One bucket is 0.01 % of the executions."""
SALT = "orchestrator-v2"
"""The default salt; another salt deals the executions anew."""


class EmptyId(EngineError):
    """An execution without an id has no bucket; give it one before it is routed."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """Where an execution belongs: its bucket, from 0 to 9,999, and the percentage it was held against."""

    role: Role
    bucket: int
    percent: Decimal


def bucket_of(execution_id: UUID | str, *, salt: str = SALT) -> int:
    """Returns the execution's bucket, which never changes. Raises EmptyId."""
    name = str(execution_id)
    if not name.strip():
        raise EmptyId("an execution with an empty id cannot be routed: all of them would share one bucket")
    digest = hashlib.sha256(f"{salt}:{name}".encode()).digest()
    return (int.from_bytes(digest[:4], "big") * BUCKETS) >> 32


def assign(execution_id: UUID | str, flag: Flag, *, salt: str = SALT) -> Assignment:
    """Returns the role under this flag: sticky, and as the share grows nothing moves back. Raises EmptyId."""
    bucket = bucket_of(execution_id, salt=salt)
    return Assignment("candidate" if bucket < flag.share * 100 else "control", bucket, flag.share)


class Router:
    """Two engines behind one flag; an Engine itself."""

    name: str = "router"

    def __init__(self, *, control: Engine, candidate: Engine, flags: FlagSource, dsn: str, salt: str = SALT) -> None:
        self._engines: dict[Role, Engine] = {"control": control, "candidate": candidate}
        self._flags = flags
        self._connection = Reconnecting(dsn)
        self._salt = salt

    def install(self) -> None:
        """Creates both engines' tables; idempotent."""
        for engine in self._engines.values():
            engine.install()

    def execute(self, request: ExecutionRequest) -> None:
        """Starts the execution on its bucket's engine, or continues on the one that it is pinned to.

        A flag that cannot be read, for whatever reason, starts nothing on the candidate: the control serves, and the
        log says why. Raises ExecutionHeld where another router is just starting the same execution.
        """
        pinned = self._pinned(request.execution_id)
        if pinned is not None:
            self._engines[pinned].execute(request)
            return
        with self._starting(request.execution_id):
            pinned = self._pinned(request.execution_id)
            if pinned is None:
                pinned, request = self._assigned(request)
            self._engines[pinned].execute(request)

    def resume(self, execution_id: UUID, signal: Signal | None = None) -> None:
        """Continues on the engine that the execution is pinned to, whatever the flag says now."""
        self._serving(execution_id).resume(execution_id, signal)

    def cancel(self, execution_id: UUID) -> None:
        """Cancels on the engine that the execution is pinned to."""
        self._serving(execution_id).cancel(execution_id)

    def journal(self, execution_id: UUID) -> Journal:
        """Returns the journal of the engine that the execution is pinned to."""
        return self._serving(execution_id).journal(execution_id)

    def close(self) -> None:
        """Closes both engines and the router's connection."""
        for engine in self._engines.values():
            engine.close()
        self._connection.close()

    def _assigned(self, request: ExecutionRequest) -> tuple[Role, ExecutionRequest]:
        try:
            flag, note = self._flags.read(), ""
        except FlagError as error:
            flag, note = OFF, f" ({error})"
        except Exception as error:  # noqa: BLE001 - whatever a source raises must not keep executions from starting
            flag, note = OFF, f" (the flag cannot be read: {type(error).__name__}: {error})"
        found = assign(request.execution_id, flag, salt=self._salt)
        message = storable_text(f"Using orchestrator {self._engines[found.role].name}{note}")
        self._connection.open().execute(sql("cutover.engines", "router_log"), {"message": message})
        pin = {
            "rollout_role": found.role,
            "rollout_bucket": str(found.bucket),
            "rollout_percent": str(found.percent),
            "rollout_salt": self._salt,
        }
        return found.role, replace(request, metadata={**request.metadata, **pin})

    def _serving(self, execution_id: UUID) -> Engine:
        role = self._pinned(execution_id)
        if role is None:
            raise UnknownExecution(f"no execution {execution_id} in this database; start it with execute() first")
        return self._engines[role]

    def _pinned(self, execution_id: UUID) -> Role | None:
        """The role in the execution's row; one that no router started is told by the version its engine noted."""
        try:
            row = self._connection.ask(sql("cutover.engines", "router_pinned"), {"id": execution_id})
        except errors.UndefinedTable as error:
            raise EngineError("the engines' tables are not in this database; call install() first") from error
        if row is None:
            return None
        role, version = row
        by_version = "candidate" if version == self._engines["candidate"].name else "control"
        return "candidate" if (role or by_version) == "candidate" else "control"

    @contextmanager
    def _starting(self, execution_id: UUID) -> Iterator[None]:
        """Locks the start of one execution, so that two routers under different flags cannot start it on both."""
        key = int.from_bytes(hashlib.sha256(execution_id.bytes).digest()[:8], "big", signed=True)
        connection = self._connection.open()
        row = connection.execute("SELECT pg_try_advisory_lock(%s)", (key,)).fetchone()
        if row is None or not row[0]:
            raise ExecutionHeld(f"another router is starting execution {execution_id}; try again when it has")
        try:
            yield
        finally:
            with suppress(psycopg.OperationalError):  # a lock does not outlive its connection
                connection.execute("SELECT pg_advisory_unlock(%s)", (key,))
