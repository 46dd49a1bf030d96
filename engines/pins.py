"""Which engine an execution was given: decided once, in the database, before any engine hears of it. Does I/O.

The decision is one INSERT whose key is the execution. What a router had in mind when its session was cut, or before it
was stopped for an hour, is worth nothing: the row that is there is what holds, for every router.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
from psycopg import errors

from cutover.engines.connection import Reconnecting, ServerSilent
from cutover.engines.errors import EngineError, ExecutionHeld
from cutover.engines.payloads import storable_text
from cutover.engines.roles import Role
from cutover.engines.sqlfiles import sql

__all__ = ["Pin", "Pins", "Standing", "StartNotes"]

_OTHER_TABLES = (errors.UndefinedTable, errors.UndefinedColumn, errors.UndefinedFunction)
"""What Postgres says of tables that are not there, or that are somebody else's."""


@dataclass(frozen=True, slots=True)
class StartNotes:
    """What an execution's own row says of its start; `version` is what the engine wrote, the rest is a router's."""

    role: str | None
    engine: str | None
    version: str | None


@dataclass(frozen=True, slots=True)
class Pin:
    """A decision: the role, the engine that had it, and what it was decided by."""

    role: Role
    engine: str
    bucket: int
    percent: Decimal
    salt: str

    def notes(self) -> dict[str, str]:
        """Returns the decision as metadata of the execution."""
        return {
            "rollout_role": self.role,
            "rollout_engine": self.engine,
            "rollout_bucket": str(self.bucket),
            "rollout_percent": str(self.percent),
            "rollout_salt": self.salt,
        }


@dataclass(frozen=True, slots=True)
class Standing:
    """What the database knows of an execution: its row's notes where it has a row there, and its pin."""

    noted: StartNotes | None
    pin: Pin | None


class Pins:
    """The decisions of one database. For one thread at a time."""

    def __init__(self, dsn: str, *, timeout_s: int) -> None:
        self._connection = Reconnecting(dsn, timeout_s=timeout_s)
        self._standing = "assignment_standing"

    def install(self) -> None:
        """Creates the table; idempotent."""
        self._connection.use(_install)
        self._standing = "assignment_standing"

    def standing(self, execution_id: UUID, *, same_session: bool = False) -> Standing:
        """Returns what is known of an execution. Raises EngineError where the database does not tell."""
        with _explained(execution_id):
            try:
                row = self._ask(self._standing, execution_id, same_session)
            except _OTHER_TABLES:
                row = self._ask("assignment_read", execution_id, same_session)
                self._standing = "assignment_read"  # the engines keep their executions in tables of their own
        exists, *noted, role, engine, bucket, percent, salt = row
        pin = None if role is None else Pin(role, engine, bucket, percent, salt)
        return Standing(StartNotes(*noted) if exists else None, pin)

    def decide(self, execution_id: UUID, proposed: Pin) -> tuple[Pin, bool]:
        """Returns what holds from now on, and whether that is the proposal or what was decided before.

        Inside `starting`.
        """
        values = {
            "id": execution_id,
            "role": proposed.role,
            "engine": storable_text(proposed.engine),
            "bucket": proposed.bucket,
            "percent": proposed.percent,
            "salt": storable_text(proposed.salt),
        }
        with _explained(execution_id):
            *found, new = self._connection.ask(sql("cutover.engines", "assignment_decide"), values, same_session=True)
        return Pin(*found), new

    def withdraw(self, execution_id: UUID) -> None:
        """Takes back what this session has decided inside this very `starting`, since the engine refused to begin.

        Nobody else has acted upon it: whoever would start the execution needs the lock that this session has. Where the
        session was lost the decision stands.
        """
        with suppress(psycopg.Error, ServerSilent):
            values = {"id": execution_id}
            self._connection.ask(sql("cutover.engines", "assignment_withdraw"), values, same_session=True)

    @contextmanager
    def starting(self, execution_id: UUID) -> Iterator[None]:
        """Keeps other routers from starting the execution meanwhile. Raises ExecutionHeld.

        A courtesy to engines that hold no lease, as good as the session is: which engine serves does not depend on it.
        """
        key = {"key": int.from_bytes(hashlib.sha256(execution_id.bytes).digest()[:8], "big", signed=True)}
        with _explained(execution_id):
            taken, holder = self._connection.ask(sql("cutover.engines", "start_lock"), key)
        if not taken:
            told = f" (its session is backend {holder} of Postgres)" if holder is not None else ""
            raise ExecutionHeld(f"another router is starting execution {execution_id}{told}; try again when it has")
        try:
            yield
        finally:
            with suppress(psycopg.Error, ServerSilent):  # a lock does not outlive its connection
                self._connection.ask("SELECT pg_advisory_unlock(%(key)s)", key, same_session=True)

    def log(self, message: str) -> None:
        """Writes a line to edge_logs. Raises psycopg.Error or ServerSilent."""

        def write(connection: psycopg.Connection[Any]) -> None:
            # Bound by the client, since the server binds no parameters where two statements travel together.
            psycopg.ClientCursor(connection).execute(sql("cutover.engines", "router_log"), {"message": message})

        self._connection.use(write, same_session=True)

    def close(self) -> None:
        """Closes the connection."""
        self._connection.close()

    def _ask(self, statement: str, execution_id: UUID, same_session: bool) -> Any:  # noqa: FBT001 - handed on
        return self._connection.ask(sql("cutover.engines", statement), {"id": execution_id}, same_session=same_session)


def _install(connection: psycopg.Connection[Any]) -> None:
    with connection.transaction():
        connection.execute(sql("cutover.engines", "assignments"))


@contextmanager
def _explained(execution_id: UUID) -> Iterator[None]:
    """Raises errors of the contract in place of psycopg's."""
    try:
        yield
    except _OTHER_TABLES as error:
        raise EngineError(
            "the router's table orchestrator_assignments is not in this database; call install() first"
        ) from error
    except psycopg.Error as error:
        said = error.diag.message_primary or str(error).partition("\n")[0] or type(error).__name__
        raise EngineError(
            f"which engine serves execution {execution_id} cannot be told, so none was asked: {said}; try again"
        ) from error
    except ServerSilent as error:
        raise ServerSilent(
            f"which engine serves execution {execution_id} cannot be told, so none was asked: {error}; try again"
        ) from error
