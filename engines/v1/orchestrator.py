"""The legacy engine (V1), the baseline that V2 replaces. Writes Postgres, calls activities, one thread at a time.

It keeps the flaws that the rollout plan lists: one attempt an activity, no history, no idempotency keys, statuses
assigned unchecked, and one context shared by all executions of the process, so executions that interleave in threads
see each other's data. A resume starts again at `current_node_id`, which is written last, and so can repeat a step.
"""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from cutover.engines.api import EngineContext, ExecutionRequest, Journal, JsonValue, Signal
from cutover.engines.journal import read_journal
from cutover.engines.payloads import encode, storable_text
from cutover.engines.v1.drive import ExecutionDriver
from cutover.engines.v1.rules import workflow_text
from cutover.engines.v1.signals import RecordedWaits
from cutover.engines.v1.store import AutocommitStore

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
        """Starts the execution, or goes on with it where it has been started."""
        metadata = {storable_text(key): storable_text(value) for key, value in request.metadata.items()}
        new = self._store.start(
            request.execution_id,
            request.workflow.id,
            workflow_text(request.workflow),
            encode(request.input),
            encode({**metadata, "orchestrator_version": self.name}),
        )
        self._world.log(f"[orchestrator] {request.execution_id} {'started' if new else 'was started before'}")
        self._drive(request.execution_id)

    def resume(self, execution_id: UUID, signal: Signal | None = None) -> None:
        """Starts again at `current_node_id`, with the signal noted first."""
        if signal is not None:
            execution = self._store.load(execution_id)
            waits = RecordedWaits(execution.metadata)
            if execution.status in _LIVE:
                waits.arrive(signal, self._world.clock.now())
            if waits.changed:
                self._store.note(execution_id, waits.notes())
        self._drive(execution_id)

    def cancel(self, execution_id: UUID) -> None:
        """Ends a live execution and its open steps as cancelled."""
        if self._store.load(execution_id).status in _LIVE:
            self._store.finish(execution_id, "cancelled")
            self._world.log(f"[orchestrator] {execution_id} cancelled")

    def journal(self, execution_id: UUID) -> Journal:
        """The rows of one execution; this engine has no history."""
        return read_journal(self._store.connection, execution_id, tables="v1")

    def close(self) -> None:
        """Gives the connection back."""
        self._store.close()

    def _drive(self, execution_id: UUID) -> None:
        due = True
        while due:
            execution = self._store.load(execution_id)
            if execution.status not in _LIVE:
                return
            due = ExecutionDriver(
                execution_id, execution, store=self._store, world=self._world, shared=self.context
            ).run()
