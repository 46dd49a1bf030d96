"""The legacy engine (V1), the baseline that V2 replaces. Writes Postgres, calls activities, one thread at a time.

It keeps the flaws that the rollout plan lists: one attempt an activity, no history, no idempotency keys, statuses
assigned unchecked, and one context shared by all executions of the process, so executions that interleave in threads
see each other's data. A resume starts again at `current_node_id`, which is written last, and so can repeat a step.
"""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

import psycopg

from cutover.engines.api import EngineContext, ExecutionRequest, Journal, JsonValue, Signal
from cutover.engines.errors import EngineError, ExecutionHeld
from cutover.engines.journal import read_journal
from cutover.engines.payloads import encode, storable_text
from cutover.engines.v1.drive import ExecutionDriver
from cutover.engines.v1.rules import workflow_text
from cutover.engines.v1.signals import RecordedWaits
from cutover.engines.v1.store import AutocommitStore, LoadedExecution

__all__ = ["LegacyEngine", "create"]

_LIVE = ("pending", "running")


def create(context: EngineContext) -> LegacyEngine:
    """The engine, connected on first use."""
    return LegacyEngine(context)


class LegacyEngine:
    """One worker of V1."""

    name: str = "v1"
    context: ClassVar[dict[str, JsonValue]] = {}
    """The outputs of the execution that runs: one dictionary for the whole process."""

    def __init__(self, context: EngineContext) -> None:
        self._world = context
        self._store = AutocommitStore(context.dsn)

    def install(self) -> None:
        """Creates its tables; idempotent."""
        self._store.install()

    def execute(self, request: ExecutionRequest) -> None:
        """Starts the execution, or goes on with it where it has been started.

        A start that comes again while another session drives the execution is refused (ExecutionHeld). A resume is
        not: whoever resumes says that the other worker is gone.
        """
        metadata = {storable_text(key): storable_text(value) for key, value in request.metadata.items()}
        execution_id = request.execution_id
        new, alone = self._store.start(
            execution_id,
            request.workflow.id,
            workflow_text(request.workflow),
            encode(request.input),
            encode({**metadata, "orchestrator_version": self.name}),
        )
        try:
            self._world.log(f"[orchestrator] {execution_id} {'started' if new else 'was started before'}")
            if not new and not alone and self._mine(execution_id).status in _LIVE:
                raise ExecutionHeld(f"execution {execution_id} is driven by another worker; resume it if that is gone")
            self._drive(execution_id)
        finally:
            if alone:
                self._store.release(execution_id)

    def resume(self, execution_id: UUID, signal: Signal | None = None) -> None:
        """Starts again at `current_node_id`, with the signal noted first."""
        if signal is not None:
            execution = self._mine(execution_id)
            waits = RecordedWaits(execution.metadata)
            if execution.status in _LIVE:
                waits.arrive(signal, self._world.clock.now())
            if waits.changed:
                self._store.note(execution_id, waits.notes())
        alone = self._store.hold(execution_id)
        try:
            self._drive(execution_id)
        finally:
            if alone:
                self._store.release(execution_id)

    def cancel(self, execution_id: UUID) -> None:
        """Ends a live execution and its open steps as cancelled."""
        if self._mine(execution_id).status in _LIVE:
            self._store.finish(execution_id, "cancelled")
            self._world.log(f"[orchestrator] {execution_id} cancelled")

    def journal(self, execution_id: UUID) -> Journal:
        """The rows of one execution; this engine has no history."""
        connection = self._store.connection
        try:
            return read_journal(connection, execution_id, tables="v1")
        except psycopg.OperationalError:
            if not connection.closed:
                raise
            return read_journal(self._store.connection, execution_id, tables="v1")

    def close(self) -> None:
        """Gives the connection back."""
        self._store.close()

    def _mine(self, execution_id: UUID) -> LoadedExecution:
        """Returns what is kept of the execution. Raises EngineError where another engine serves it.

        Both engines keep their executions in one table, and one that was started before versions were noted is this
        engine's.
        """
        execution = self._store.load(execution_id)
        served_by = execution.metadata.get("orchestrator_version") or self.name
        if served_by != self.name:
            raise EngineError(f"execution {execution_id} is served by {served_by}; start and resume it there")
        return execution

    def _drive(self, execution_id: UUID) -> None:
        due = True
        while due:
            execution = self._mine(execution_id)
            if execution.status not in _LIVE:
                return
            due = ExecutionDriver(
                execution_id, execution, store=self._store, world=self._world, shared=self.context
            ).run()
