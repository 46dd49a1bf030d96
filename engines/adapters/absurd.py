"""absurd as an engine, on the kit: each attempt is a step of a task, each wait an event. Does I/O, by absurd.

All executions share a queue, so a command may also run what another execution has left. The SDK does not bring absurd's
tables: `install` makes them from the file that ABSURD_SQL names, `sql/absurd.sql` of a release.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
from absurd_sdk import Absurd
from psycopg.rows import dict_row

from cutover import kit
from cutover.engines.api import EngineContext, ExecutionRequest, Journal, JsonValue, Signal
from cutover.engines.errors import EngineError, ExecutionHeld, UnknownExecution
from cutover.engines.sqlfiles import sql

__all__ = ["AbsurdEngine"]

_LEASE_S, _DEATHS = 30, 20
_ENDED = frozenset({"completed", "failed", "cancelled"})


class AbsurdEngine:
    """The engine; its tasks are claimed for 30 s at a time, by the clock of the context."""

    name = f"absurd-{version('absurd-sdk')}"
    capabilities = kit.WITHOUT_HISTORY

    def __init__(self, context: EngineContext) -> None:
        self._context = context
        self._connection: psycopg.Connection[dict[str, Any]] | None = None

    def install(self) -> None:
        if not self._ask("absurd_schema")[0]["found"]:
            path = os.environ.get("ABSURD_SQL")
            if path is None:
                raise EngineError("absurd's tables are absent: name sql/absurd.sql of its release in ABSURD_SQL")
            self._session.execute(Path(path).read_text(encoding="utf-8").encode())
        self._app.create_queue()

    def execute(self, request: ExecutionRequest) -> None:
        key = str(request.execution_id)
        given = {"id": key, "request": kit.request_text(request)}
        self._at_now()
        self._app.spawn("cutover", given, idempotency_key=key, max_attempts=_DEATHS, retry_strategy={"kind": "none"})
        self.resume(request.execution_id)

    def resume(self, execution_id: UUID, signal: Signal | None = None) -> None:
        kit.check_signal(signal)
        self._work(execution_id)
        while signal is not None and not self._has_heard(execution_id, signal):
            if self._tell(execution_id, kit.signal_message(signal)):
                return  # it had ended
        while (deadline := self._walk(execution_id).deadline) and deadline <= self._context.clock.now():
            self._tell(execution_id, kit.time_message(self._context.clock.now()))

    def cancel(self, execution_id: UUID) -> None:
        task = self._task(execution_id)
        if task["state"] not in _ENDED:
            self._at_now()
            self._app.cancel_task(str(task["task_id"]))

    def journal(self, execution_id: UUID) -> Journal:
        task = self._task(execution_id)
        ended: Any = task["completed_payload"]["status"] if task["state"] == "completed" else task["state"]
        status: Any = ended if task["state"] in _ENDED else "running"
        return kit.journal_of(self._stored(execution_id), self._kept(execution_id), status=status)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    @property
    def _session(self) -> psycopg.Connection[dict[str, Any]]:
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(self._context.dsn, autocommit=True, row_factory=dict_row)
        return self._connection

    @property
    def _app(self) -> Any:
        app = Absurd(self._session, queue_name="cutover")
        app.register_task("cutover")(self._run)
        return app

    def _ask(self, statement: str, *given: object) -> list[dict[str, Any]]:
        return self._session.execute(sql("cutover.engines.adapters", statement), given).fetchall()

    def _at_now(self) -> None:
        self._ask("absurd_now", self._context.clock.now().isoformat())

    def _task(self, execution_id: UUID) -> dict[str, Any]:
        for row in self._ask("absurd_task", str(execution_id)):
            return row
        raise UnknownExecution(f"absurd has no task {execution_id}; start it with execute()")

    def _kept(self, execution_id: UUID) -> dict[str, JsonValue]:
        rows = self._ask("absurd_kept", self._task(execution_id)["task_id"])
        return {row["checkpoint_name"]: row["state"] for row in rows}

    def _stored(self, execution_id: UUID) -> kit.StoredRequest:
        return kit.StoredRequest.of(execution_id, self._task(execution_id)["params"]["request"])

    def _walk(self, execution_id: UUID) -> kit.GraphWalk:
        return kit.replayed(self._stored(execution_id), self._kept(execution_id))

    def _has_heard(self, execution_id: UUID, signal: Signal) -> bool:
        return any(isinstance(kept, dict) and kept.get("id") == signal.id for kept in self._kept(execution_id).values())

    def _tell(self, execution_id: UUID, message: JsonValue) -> bool:
        """Emits the message as the next that the execution will await; returns whether it had ended."""
        number = 1 + sum(name.startswith("$message#") for name in self._kept(execution_id))
        self._at_now()
        self._app.emit_event(f"{execution_id}:$message#{number}", message)
        self._work(execution_id)
        return self._task(execution_id)["state"] in _ENDED

    def _work(self, execution_id: UUID) -> None:
        """Works until the execution has ended or sleeps; others of the queue may get their turn on the way."""
        while (state := self._task(execution_id)["state"]) not in {*_ENDED, "sleeping"}:
            self._at_now()
            if not (tasks := self._app.claim_tasks(claim_timeout=_LEASE_S, worker_id=str(uuid4()))):
                raise ExecutionHeld(f"task {execution_id} is {state} at another worker; try again in {_LEASE_S} s")
            for task in tasks:
                self._app._execute_task(task, _LEASE_S)  # noqa: SLF001 - what `work_batch` does with what it claims

    def _run(self, given: dict[str, str], task: Any) -> JsonValue:
        execution_id, context = UUID(given["id"]), self._context
        walk = kit.new_walk(kit.StoredRequest.of(execution_id, given["request"]))

        def step(name: str, work: Callable[[], JsonValue]) -> Any:
            if not (handle := task.begin_step(name)).done:
                self._at_now()
                task.heartbeat(_LEASE_S)  # raises where the task was cancelled or taken over
            return handle.state if handle.done else task.complete_step(handle, work())

        def receive(name: str, _: datetime | None) -> Any:
            return task.await_event(f"{execution_id}:{name}", step_name=name)

        kit.drive(walk, execution_id, kit.Primitives(step, receive, context.clock), context.activities, context.clock)
        return {"status": walk.status}
