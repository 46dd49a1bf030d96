"""DBOS Transact as an engine, on the kit: each attempt is a DBOS step. Does I/O, by DBOS.

An execution that waits ends its DBOS workflow with all that is kept as the output, and the next command starts another
that goes on from there: workflows `EXECUTION/0`, `EXECUTION/1` and so on. (In `DBOS.recv` a workflow would keep its
thread, and go on in a process that nobody has asked for anything.) DBOS is one to a process and has no lease: it is
launched for each command that runs something, and recovers a workflow whose process is gone.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from dbos import DBOS, DBOSClient, SetWorkflowID, error
from sqlalchemy.exc import ProgrammingError

from cutover import kit
from cutover.engines.api import EngineContext, ExecutionRequest, Journal, JsonValue, Signal
from cutover.engines.errors import EngineError, ExecutionHeld, UnknownExecution

__all__ = ["DbosEngine", "create"]

_contexts: dict[str, EngineContext] = {}
_launched: list[str] = []


class DbosEngine:
    """The engine; `cutover.engines.api.Engine` says what its methods are for."""

    name = "dbos"

    def __init__(self, context: EngineContext) -> None:
        self._context = context
        self._url = context.dsn.replace("postgres://", "postgresql://", 1)
        self._own_client: DBOSClient | None = None

    def install(self) -> None:
        """Has DBOS migrate its tables."""
        DBOS.migrate(system_database_url=self._url)

    def execute(self, request: ExecutionRequest) -> None:
        """Starts the execution's first workflow, or goes on as `resume` does."""
        text = kit.request_text(request)
        if self._newest(request.execution_id) is None:
            self._leg(request.execution_id, 0, text, {}, None)
        else:
            self.resume(request.execution_id)

    def resume(self, execution_id: UUID, signal: Signal | None = None) -> None:
        """Recovers the newest workflow where its process is gone; starts the next where there is something to do."""
        if signal is not None:
            kit.check_signal(signal)
        leg = self._known(execution_id)
        if leg.status in {"PENDING", "ENQUEUED"}:
            self._recover(execution_id, leg)
            leg = self._known(execution_id)
        if leg.status != "SUCCESS" or leg.output["status"] != "running":
            return
        deadline = leg.output["deadline"]
        if signal is not None or (deadline and datetime.fromisoformat(deadline) <= self._context.clock.now()):
            self._next(execution_id, leg, kit.signal_message(signal) if signal is not None else None)

    def cancel(self, execution_id: UUID) -> None:
        """Cancels the workflow that runs; one that waits has ended, so another says that it is cancelled."""
        leg = self._known(execution_id)
        if leg.status in {"PENDING", "ENQUEUED"}:
            self._client.cancel_workflow(leg.workflow_id)
        elif leg.status == "SUCCESS" and leg.output["status"] == "running":
            self._next(execution_id, leg, {"cancelled": True})

    def journal(self, execution_id: UUID) -> Journal:
        """Works the rows out from the results that DBOS has recorded."""
        leg = self._known(execution_id)
        _, request, before, message = leg.input["args"]
        steps = self._client.list_workflow_steps(leg.workflow_id)
        kept = _with_message(before, message) | {step["function_name"]: step["output"] for step in steps}
        status = {"SUCCESS": "", "CANCELLED": "cancelled", "ERROR": "failed"}.get(leg.status, "running")
        stored = kit.StoredRequest.of(execution_id, request)
        ended_at = datetime.fromtimestamp(leg.updated_at / 1_000, UTC)
        return kit.journal_of(stored, kept, status=status or leg.output["status"], ended_at=ended_at)

    def close(self) -> None:
        """Closes the connections of the reader."""
        if self._own_client is not None:
            self._own_client.destroy()
            self._own_client = None

    @property
    def _client(self) -> DBOSClient:
        if self._own_client is None:
            self._own_client = DBOSClient(system_database_url=self._url, retry_connection_errors=False)
        return self._own_client

    def _newest(self, execution_id: UUID) -> Any:
        try:
            legs = self._client.list_workflows(workflow_id_prefix=f"{execution_id}/")
        except ProgrammingError as missing:
            raise EngineError(f"DBOS's tables are not in this database; call install() first: {missing.orig}") from missing
        return max(legs, key=lambda leg: int(leg.workflow_id.rpartition("/")[2]), default=None)

    def _known(self, execution_id: UUID) -> Any:
        leg = self._newest(execution_id)
        if leg is None:
            raise UnknownExecution(f"DBOS has no workflow {execution_id}/0; start it with execute()")
        return leg

    def _recover(self, execution_id: UUID, leg: Any) -> None:
        if leg.status == "PENDING" and _lives(leg.executor_id):
            raise ExecutionHeld(f"process {leg.executor_id} runs {leg.workflow_id}; try again when it has ended")
        with self._running(execution_id):
            DBOS._recover_pending_workflows([leg.executor_id])
            DBOS.retrieve_workflow(leg.workflow_id).get_result(polling_interval_sec=0.02)

    def _next(self, execution_id: UUID, leg: Any, message: JsonValue) -> None:
        _, request, *_ = leg.input["args"]
        number = int(leg.workflow_id.rpartition("/")[2]) + 1
        self._leg(execution_id, number, request, leg.output["kept"], message)

    def _leg(self, execution_id: UUID, number: int, *given: Any) -> None:
        with self._running(execution_id), SetWorkflowID(f"{execution_id}/{number}"):
            _run(str(execution_id), *given)

    @contextmanager
    def _running(self, execution_id: UUID) -> Iterator[None]:
        """Has DBOS launched on this database, and the execution's activities known, until the block ends."""
        _contexts[str(execution_id)] = self._context
        _launched.append(self._url)
        try:
            if len(_launched) == 1:
                config = {"name": "cutover", "system_database_url": self._url, "executor_id": _process(os.getpid())}
                DBOS(config={**config, "application_version": "1", "log_level": "CRITICAL", "run_migrations": False})
                DBOS.launch()
            elif _launched[0] != self._url:
                raise EngineError("DBOS is one to a process, and runs on another database at this moment")
            yield
        except error.DBOSBaseException:
            pass  # cancelled, or run by another worker: the journal says which
        finally:
            _launched.pop()
            if not _launched:
                DBOS.destroy()


class _Steps:
    """The kit's primitives inside a DBOS workflow."""

    def __init__(self, context: EngineContext, kept: dict[str, Any]) -> None:
        self._context, self.kept = context, kept

    def step(self, name: str, work: Callable[[], JsonValue]) -> JsonValue:
        """A DBOS step, unless an earlier workflow has taken it."""
        if name not in self.kept:
            self.kept[name] = DBOS.run_step({"name": name}, work)
        return self.kept[name]

    def sleep(self, name: str, until: datetime) -> None:  # noqa: ARG002 - the deadline is in a step's result
        """Sleeps by the clock of the harness, which DBOS does not know."""
        self._context.clock.sleep_until(until)

    def receive(self, name: str, deadline: datetime | None) -> JsonValue:
        """The message that the workflow was started with, or the time."""
        now = self._context.clock.now()
        if name not in self.kept and deadline is not None and deadline <= now:
            return self.step(name, lambda: kit.time_message(now))
        return self.kept.get(name)


@DBOS.workflow(name="cutover")
def _run(execution_id: str, request: str, kept: dict[str, Any], message: Any) -> dict[str, Any]:
    context, stored = _contexts[execution_id], kit.StoredRequest.of(UUID(execution_id), request)
    if message is not None and "cancelled" in message:
        return {"status": "cancelled", "deadline": None, "kept": kept}
    walk, steps = kit.new_walk(stored), _Steps(context, _with_message(kept, message))
    kit.drive(walk, UUID(execution_id), steps, context.activities, context.clock)
    return {"status": walk.status, "deadline": walk.deadline and walk.deadline.isoformat(), "kept": steps.kept}


def _with_message(kept: dict[str, Any], message: Any) -> dict[str, Any]:
    received = sum(name.startswith("$message#") for name in kept)
    return dict(kept) if message is None else {**kept, f"$message#{received + 1}": message}


def _process(pid: int) -> str:
    """Returns a name that no other process of this machine has had: its number, and when it started."""
    return f"{pid}-{Path(f'/proc/{pid}/stat').read_text(encoding='ascii').rpartition(')')[2].split()[19]}"


def _lives(executor: str) -> bool:
    try:
        return _process(int(executor.partition("-")[0])) == executor
    except (OSError, ValueError):
        return False


create = DbosEngine
