"""Engines that do not get over a database that is away, or refuses, for longer than they try. Does I/O as V2 does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
from psycopg.errors import DeadlockDetected, SerializationFailure

from cutover.engines.api import EngineContext
from cutover.engines.errors import ExecutionHeld
from cutover.engines.v2 import store
from cutover.engines.v2.lease import Claims
from cutover.engines.v2.store import PostgresRefused, PostgresUnreachable, Statement, Store
from cutover.engines.v2.writer import Writer
from cutover.harness.mutants.engines.broken import BrokenV2
from cutover.harness.mutants.patching import Patch

__all__ = ["ConnectsOnce", "GivesTheServerUp", "StaysMarked", "TakesTheRefusedForDone"]


class _OwnStore(BrokenV2):
    """V2 with a store of another kind."""

    kind: type[Store] = Store

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        self.store = self.kind(context.dsn)
        self.writer = Writer(self.store, context.clock, self.lines, self.owner)
        self.claims = Claims(self.store, context.clock, self.lines, self.owner)


class _Despairing(Store):
    gone = False

    @property
    def connection(self) -> psycopg.Connection[tuple[Any, ...]]:
        if self.gone:
            raise PostgresUnreachable("the server was away when it was last looked for")
        try:
            return super().connection
        except PostgresUnreachable:
            self.gone = True
            raise


class GivesTheServerUp(_OwnStore):
    """Opens a lost connection again, but marks a server that cannot be reached as gone, for good."""

    kind = _Despairing


class _Weary(Store):
    def commit(
        self,
        statement: Statement,
        parameters: list[str | None],
        landed: Callable[[], bool],
        refusal: Callable[[str], None],
        meanwhile: Callable[[], None],
    ) -> bool:
        try:
            return super().commit(statement, parameters, landed, refusal, meanwhile)
        except PostgresRefused as error:
            if isinstance(error.__cause__, SerializationFailure | DeadlockDetected):
                return True
            raise


class TakesTheRefusedForDone(_OwnStore):
    """Sends a refused commit four times, and then goes on as if it had been carried out."""

    kind = _Weary

    def patches(self) -> tuple[Patch, ...]:
        """How often a commit is sent."""
        return ((store, "COMMIT_TRIES", 4),)


class _Marking(Claims):
    @contextmanager
    def driving(self, execution_id: UUID) -> Iterator[None]:
        if execution_id in self._driving:
            raise ExecutionHeld(f"execution {execution_id} is being driven by this very worker")
        self._driving.add(execution_id)
        yield
        self._driving.discard(execution_id)


class StaysMarked(BrokenV2):
    """Notes in its process what it drives, and strikes that out only where the drive ended well."""

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        self.claims = _Marking(self.store, context.clock, self.lines, self.owner)


class _OneConnection(Store):
    @property
    def connection(self) -> psycopg.Connection[Any]:
        return self._connection or super().connection


class ConnectsOnce(_OwnStore):
    """Keeps the connection that it has, also where the server has ended it."""

    kind = _OneConnection
