"""Engines that keep what an execution needed no longer: locks, transactions, memory, connections, threads, files."""

from __future__ import annotations

import os
import threading
import time
from hashlib import sha256
from typing import ClassVar
from uuid import UUID

import psycopg
from psycopg import sql as sql_parts

from cutover.engines.api import ActivityNode, ActivityResult, EngineContext, ExecutionRequest, Signal
from cutover.engines.errors import ActivityError, ExecutionHeld
from cutover.engines.sqlfiles import sql
from cutover.engines.v2 import graph
from cutover.engines.v2.planner import Step
from cutover.engines.v2.run import ExecutionRun
from cutover.engines.v2.writer import Statements
from cutover.harness.mutants.engines.broken import BrokenV2

__all__ = [
    "ConnectsToCancel",
    "HoldsATransaction",
    "KeepsFailures",
    "KeepsOutputs",
    "KeepsWhatPaused",
    "LeaksConnections",
    "LeaksFiles",
    "LeaksLocks",
    "LeaksMemory",
    "LeaksOnRetry",
    "LeaksThreads",
    "LeaksWhenRefused",
    "LocksAllExecutions",
    "LocksEachCommit",
    "PreparesForEach",
    "PreparesForEachWorkflow",
    "TriesTheLock",
]

_HERE = "cutover.harness.mutants.engines"
_MEBIBYTE = 1 << 20
_PAUSE_S = 0.01
_EIGHTH = 8
_IN_TURN = "WITH held AS (\n    UPDATE workflow_executions"
_ONE_BY_ONE = _IN_TURN.replace(
    "WITH held", "WITH turn AS MATERIALIZED (SELECT pg_advisory_xact_lock(4712) IS NOT NULL AS mine),\nheld"
)


class HoldsATransaction(BrokenV2):
    """Begins a transaction before an activity, and ends it when the activity has answered."""

    def attempt(self, run: ExecutionRun, step: Step) -> None:
        """As V2, inside a transaction."""
        with self.store.connection.transaction():
            super().attempt(run, step)


class LocksAllExecutions(BrokenV2):
    """Lets only one execution run at a time, whatever it does."""

    def execute(self, request: ExecutionRequest) -> None:
        """As V2, when it is its turn."""
        self.take()
        try:
            super().execute(request)
        finally:
            self.store.connection.execute(sql(_HERE, "unlock_all"))

    def take(self) -> None:
        """Waits for the lock."""
        self.store.connection.execute(sql(_HERE, "lock_all"))


class TriesTheLock(LocksAllExecutions):
    """The same, and asks for the lock again and again instead of waiting for it."""

    def take(self) -> None:
        """Asks until it has the lock."""
        while self.store.connection.execute(sql(_HERE, "try_lock_all")).fetchone() != (True,):
            time.sleep(_PAUSE_S)


class LocksEachCommit(BrokenV2):
    """Lets only one execution commit at a time."""

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        hold = sql("cutover.engines.v2", "hold")
        taken = hold.replace(_IN_TURN, _ONE_BY_ONE).replace("WHERE id =", "WHERE (SELECT mine FROM turn) AND id =")
        self.writer._next = Statements("next", taken)


class LeaksMemory(BrokenV2):
    """Keeps a mebibyte of each execution."""

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        self.kept: list[object] = []

    def execute(self, request: ExecutionRequest) -> None:
        """As V2, and keeps something."""
        super().execute(request)
        self.keep()

    def keep(self) -> None:
        """Keeps something."""
        self.kept.append(b"x" * _MEBIBYTE)


class KeepsOutputs(LeaksMemory):
    """Keeps the outputs of all steps that it has ever run."""

    def keep(self) -> None:
        """Keeps nothing besides."""

    def succeeded(self, run: ExecutionRun, step: Step, result: ActivityResult) -> None:
        """As V2, and keeps the output."""
        super().succeeded(run, step, result)
        self.kept.append(result.output)


class LeaksConnections(LeaksMemory):
    """Opens a connection for each execution, and keeps it."""

    def keep(self) -> None:
        """Keeps a connection."""
        self.kept.append(psycopg.connect(self.store._dsn))


class LeaksOnRetry(LeaksMemory):
    """Opens a connection for each eighth pause before another attempt, and keeps it."""

    failures = 0

    def keep(self) -> None:
        """Keeps nothing of an execution."""

    def failed(self, run: ExecutionRun, step: Step, node: ActivityNode, error: ActivityError) -> None:
        """As V2, and keeps a connection now and then."""
        super().failed(run, step, node, error)
        self.failures += 1
        if not self.failures % _EIGHTH:
            self.kept.append(psycopg.connect(self.store._dsn))


class KeepsFailures(LeaksMemory):
    """Keeps the failures of activities, each with its traceback, and so with all that the attempt had."""

    def keep(self) -> None:
        """Keeps nothing of an execution."""

    def failed(self, run: ExecutionRun, step: Step, node: ActivityNode, error: ActivityError) -> None:
        """As V2, and keeps the failure."""
        super().failed(run, step, node, error)
        self.kept.append(error)


class ConnectsToCancel(LeaksMemory):
    """Opens a connection to see what there is to cancel, and closes it only where there is something."""

    def keep(self) -> None:
        """Keeps nothing of an execution."""

    def cancel(self, execution_id: UUID) -> None:
        """As V2, once it has looked."""
        connection = psycopg.connect(self.store._dsn, autocommit=True)
        self.kept.append(connection)
        if connection.execute(sql(_HERE, "is_running"), {"id": execution_id}).fetchone() is None:
            return
        connection.close()
        super().cancel(execution_id)


class LeaksThreads(LeaksMemory):
    """Starts a thread for each execution that never ends."""

    def keep(self) -> None:
        """Keeps a thread."""
        threading.Thread(target=threading.Event().wait, daemon=True).start()


class LeaksFiles(LeaksMemory):
    """Opens a file for each execution, and keeps it."""

    def keep(self) -> None:
        """Keeps a file."""
        self.kept.append(os.open(os.devnull, os.O_RDONLY))


class LeaksLocks(BrokenV2):
    """Takes an advisory lock for each execution, and leaves it with the session."""

    def execute(self, request: ExecutionRequest) -> None:
        """As V2, once the lock is there."""
        self.store.connection.execute(sql(_HERE, "lock_for_one"), (str(request.execution_id),))
        super().execute(request)


class PreparesForEach(BrokenV2):
    """Prepares a statement for each execution, under its id, and leaves it with the server."""

    def execute(self, request: ExecutionRequest) -> None:
        """As V2, once the statement is there."""
        name = sql_parts.Identifier(f"of {request.execution_id}")
        look = sql_parts.SQL("PREPARE {} AS SELECT status FROM workflow_executions WHERE id = $1")
        self.store.connection.execute(look.format(name))
        super().execute(request)


class PreparesForEachWorkflow(BrokenV2):
    """Prepares a statement for each workflow, under a digest of it, and leaves it with the server."""

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        self.known: set[str] = set()

    def execute(self, request: ExecutionRequest) -> None:
        """As V2, once the statement is there."""
        digest = sha256(graph.dump(request.workflow).encode()).hexdigest()
        if digest not in self.known:
            self.known.add(digest)
            look = sql_parts.SQL("PREPARE {} AS SELECT status FROM workflow_executions WHERE id = $1")
            self.store.connection.execute(look.format(sql_parts.Identifier(f"of {digest[:32]}")))
        super().execute(request)


class KeepsWhatPaused(BrokenV2):
    """Keeps an execution that pauses in memory until it goes on in this very process and ends."""

    paused: ClassVar[dict[UUID, ExecutionRun]] = {}

    def go_on(self, run: ExecutionRun, step: Step | None) -> None:
        """As V2, and keeps it or lets it go."""
        super().go_on(run, step)
        if run.status == "running":
            self.paused[run.execution_id] = run
        else:
            self.paused.pop(run.execution_id, None)


class LeaksWhenRefused(LeaksMemory):
    """Opens a connection each time that another worker holds the execution, to hear when it is free."""

    def keep(self) -> None:
        """Keeps nothing of an execution."""

    def resume(self, execution_id: UUID, signal: Signal | None = None) -> None:
        """As V2, and listens where it is refused."""
        try:
            super().resume(execution_id, signal)
        except ExecutionHeld:
            self.kept.append(psycopg.connect(self.store._dsn))
            raise
