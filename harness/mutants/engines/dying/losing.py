"""Engines that go on before what they rely on is durable, or that give up what was."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.sql import SQL, Identifier

from cutover.engines.api import ActivityNode, EngineContext, Signal
from cutover.engines.sqlfiles import sql
from cutover.engines.v2.recovery import Claimed, Rows
from cutover.engines.v2.run import ExecutionRun
from cutover.engines.v2.store import explained
from cutover.engines.v2.writer import Statements, Writer
from cutover.harness.mutants.engines.broken import BrokenV2
from cutover.harness.mutants.engines.dying.committing import HERE, _as_json

__all__ = [
    "CommitsInPairs",
    "DoesNotWaitForTheDisk",
    "HurriesWithSignals",
    "KeepsHistoryInMemory",
    "KeepsTablesInMemory",
    "RewindsOnTakeover",
    "TellsAside",
    "TrustsTheLostAnswer",
]


def _hurried(dsn: str) -> str:
    """The connection string, for sessions that do not wait for the disk."""
    given = conninfo_to_dict(dsn).get("options") or ""
    return make_conninfo(dsn, options=f"{given} -c synchronous_commit=off".strip())


class DoesNotWaitForTheDisk(BrokenV2):
    """Has Postgres answer its commits before they are on disk."""

    def __init__(self, context: EngineContext) -> None:
        super().__init__(replace(context, dsn=_hurried(context.dsn)))


class HurriesWithSignals(BrokenV2):
    """Has Postgres answer the commits that follow a signal before they are on disk."""

    def resume(self, execution_id: UUID, signal: Signal | None = None) -> None:
        """As V2, in a session that waits for the disk only where nothing was sent."""
        self.store.connection.execute(SQL("SET synchronous_commit = {}").format("off" if signal else "on"))
        super().resume(execution_id, signal)


class KeepsTablesInMemory(BrokenV2):
    """Has tables without a log, which a server that has crashed empties."""

    names: str = "^workflow_"

    def install(self) -> None:
        """As V2; then tables of these names have no log any more."""
        super().install()
        with explained(), self.store.connection.transaction():
            for (name,) in self.store.connection.execute(sql(HERE, "logged"), {"names": self.names}).fetchall():
                self.store.connection.execute(SQL("ALTER TABLE {} SET UNLOGGED").format(Identifier(name)))


class KeepsHistoryInMemory(KeepsTablesInMemory):
    """Has the history alone in a table without a log."""

    names = "^workflow_events$"


class _Aside(Writer):
    """Writes the history by a second session, which does not wait for the disk."""

    aside: psycopg.Connection[Any] | None = None

    def _write(
        self, statements: Statements, run: ExecutionRun, held: Sequence[str], landed: Callable[[int], bool]
    ) -> bool:
        events, run.delta.events = run.delta.events, []
        if not super()._write(statements, run, held, landed):
            return False
        if self.aside is None or self.aside.closed:
            self.aside = psycopg.connect(_hurried(self._store._dsn), autocommit=True)
        self.aside.execute(sql(HERE, "events"), {"id": run.execution_id, "events": _as_json(events)})
        self._lines.say(self._lines.of(run.execution_id, events, self._clock.now()))
        return True


class TellsAside(BrokenV2):
    """Keeps the state safe, and the history in a session that does not wait for the disk."""

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        self.writer = _Aside(self.store, context.clock, self.lines, self.owner)

    def close(self) -> None:
        """As V2, and the second session."""
        writer = self.writer
        if isinstance(writer, _Aside) and writer.aside is not None:
            writer.aside.close()
        super().close()


class _PairingWriter(Writer):
    """Leaves every second commit open until the next one, or until there is nothing more to do."""

    def _write(
        self, statements: Statements, run: ExecutionRun, held: Sequence[str], landed: Callable[[int], bool]
    ) -> bool:
        connection = self._store.connection
        idle = connection.info.transaction_status is psycopg.pq.TransactionStatus.IDLE
        ends = run.status != "running" or run.paused
        if idle and not ends and run.version:
            connection.execute("BEGIN")
        written = super()._write(statements, run, held, landed)
        if not idle:
            connection.execute("COMMIT")
        return written


class CommitsInPairs(BrokenV2):
    """Commits two steps together, and calls the second one's activity in between."""

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        self.writer = _PairingWriter(self.store, context.clock, self.lines, self.owner)


class _Trusting(Writer):
    def _landed(self, run: ExecutionRun, version: int) -> bool:
        del run, version
        return True


class TrustsTheLostAnswer(BrokenV2):
    """Takes a commit for done whose connection was lost, without a look."""

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        self.writer = _Trusting(self.store, context.clock, self.lines, self.owner)


class RewindsOnTakeover(BrokenV2):
    """Takes the newest step that a dead worker had ended for unfinished, to be on the safe side."""

    def restore(self, execution_id: UUID, claimed: Claimed) -> tuple[ExecutionRun, Rows]:
        """As V2, and asks for the last step but the one in flight once more."""
        run, rows = super().restore(execution_id, claimed)
        active = run.active
        if active is None or active.status != "running" or active.frame.loop is not None:
            return run, rows
        graph = run.top.graph
        for source in run.top.taken[active.index][-1:]:
            node = graph.nodes[source]
            row = rows.steps.get(node.id)
            if isinstance(node, ActivityNode) and row is not None and row.status == "completed":
                call = self.call_of(run, active)
                self.activities.call(
                    replace(call, step_id=node.id, activity=node.activity, attempt=row.attempt,
                            idempotency_key=self.idempotency_key(execution_id, node.id))
                )  # fmt: skip
        return run, rows
