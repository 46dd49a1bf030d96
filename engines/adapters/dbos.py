"""DBOS Transact as an engine, on the kit: each attempt is a DBOS step. Does I/O, by DBOS.

An execution that waits ends its DBOS workflow with all that is kept as the output, and the next command starts another
that goes on from there: workflows `EXECUTION/0`, `EXECUTION/1` and so on. (In `DBOS.recv` a workflow would keep its
thread, and go on in a process that nobody has asked for anything.) DBOS is one to a process and has no lease: it is
launched for each command that runs something, and recovers a workflow whose process is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any
from uuid import UUID

from dbos import DBOS, DBOSClient, SetWorkflowID, error

from cutover import kit
from cutover.engines.api import EngineContext, ExecutionRequest, Journal, JsonValue, Signal
from cutover.engines.errors import EngineError, ExecutionHeld, UnknownExecution

__all__ = ["DbosEngine", "create"]

_contexts: dict[str, EngineContext] = {}
_launched: list[str] = []


class DbosEngine:
    """The engine; each command looks at the execution's newest DBOS workflow, and runs or recovers one."""

    name = f"dbos-{version('dbos')}"

    def __init__(self, context: EngineContext) -> None:
        self._context = context
        self._url = context.dsn.replace("postgres://", "postgresql://", 1)
        self._own_client: DBOSClient | None = None

    def install(self) -> None:
        DBOS.migrate(system_database_url=self._url)

    def execute(self, request: ExecutionRequest) -> None:
        text = kit.request_text(request)
        if self._legs(request.execution_id):
            self.resume(request.execution_id)
        else:
            self._run(request.execution_id, 0, text, {})

    def resume(self, execution_id: UUID, signal: Signal | None = None) -> None:
        if signal is not None:
            kit.check_signal(signal)
        leg = self._newest(execution_id)
        if leg.status in {"PENDING", "ENQUEUED"}:
            self._recover(execution_id, leg)
            leg = self._newest(execution_id)
        if leg.status != "SUCCESS" or leg.output["status"] != "running":
            return
        kept, deadline = leg.output["kept"], leg.output["deadline"]
        if signal is not None:
            kept = kit.with_message(kept, kit.signal_message(signal))
        elif not deadline or datetime.fromisoformat(deadline) > self._context.clock.now():
            return
        self._run(execution_id, _number(leg) + 1, leg.input["args"][1], kept)

    def cancel(self, execution_id: UUID) -> None:
        leg = self._newest(execution_id)
        if leg.status in {"PENDING", "ENQUEUED"}:
            self._client.cancel_workflow(leg.workflow_id)
        elif leg.status == "SUCCESS" and leg.output["status"] == "running":  # it waits, so another says so
            self._run(execution_id, _number(leg) + 1, leg.input["args"][1], leg.output["kept"], "cancelled")

    def journal(self, execution_id: UUID) -> Journal:
        leg = self._newest(execution_id)
        _, request, before, *_ = leg.input["args"]
        steps = self._client.list_workflow_steps(leg.workflow_id)
        kept = before | {step["function_name"]: step["output"] for step in steps}
        status: Any = leg.output["status"] if leg.status == "SUCCESS" else _STATUS.get(leg.status, "running")
        ended_at = datetime.fromtimestamp(leg.updated_at / 1_000, UTC)
        return kit.journal_of(kit.StoredRequest.of(execution_id, request), kept, status=status, ended_at=ended_at)

    def close(self) -> None:
        if self._own_client is not None:
            self._own_client.destroy()

    @property
    def _client(self) -> DBOSClient:
        if self._own_client is None:
            self._own_client = DBOSClient(system_database_url=self._url, retry_connection_errors=False)
        return self._own_client

    def _legs(self, execution_id: UUID) -> list[Any]:
        return sorted(self._client.list_workflows(workflow_id_prefix=f"{execution_id}/"), key=_number)

    def _newest(self, execution_id: UUID) -> Any:
        for leg in reversed(self._legs(execution_id)):
            return leg
        raise UnknownExecution(f"DBOS has no workflow {execution_id}/0; start it with execute()")

    def _recover(self, execution_id: UUID, leg: Any) -> None:
        if leg.status == "PENDING" and kit.process_lives(leg.executor_id):
            raise ExecutionHeld(f"process {leg.executor_id} runs {leg.workflow_id}; try again when it has ended")
        with self._dbos(execution_id):
            DBOS._recover_pending_workflows([leg.executor_id])  # noqa: SLF001 - as DBOS's own administration does
            DBOS.retrieve_workflow(leg.workflow_id).get_result(polling_interval_sec=0.02)

    def _run(self, execution_id: UUID, number: int, *given: Any) -> None:
        with self._dbos(execution_id), SetWorkflowID(f"{execution_id}/{number}"):
            _leg(str(execution_id), *given)

    @contextmanager
    def _dbos(self, execution_id: UUID) -> Iterator[None]:
        """Has DBOS launched on this database; an end by a cancel or another worker shows in the journal."""
        _contexts[str(execution_id)] = self._context
        if not _launched:
            config: dict[str, Any] = {
                "name": "cutover",
                "system_database_url": self._url,
                "executor_id": kit.process_name(),
            }
            DBOS(config={**config, "application_version": "1", "log_level": "CRITICAL", "run_migrations": False})
            DBOS.launch()
        elif _launched[0] != self._url:
            raise EngineError("DBOS is one to a process, and runs on another database at this moment")
        _launched.append(self._url)
        try:
            with suppress(error.DBOSBaseException, error.DBOSAwaitedWorkflowCancelledError):
                yield
        finally:
            _launched.pop()
            if not _launched:
                DBOS.destroy()


class _InWorkflow:
    """The kit's primitives inside a DBOS workflow; `kept` is what earlier ones have."""

    def __init__(self, context: EngineContext, kept: dict[str, Any]) -> None:
        self._context = context
        self.kept: dict[str, JsonValue] = kept

    def step(self, name: str, work: Callable[[], JsonValue]) -> JsonValue:
        if name not in self.kept:
            self.kept[name] = DBOS.run_step({"name": name}, work)
        return self.kept[name]

    def sleep(self, name: str, until: datetime) -> None:  # noqa: ARG002 - the deadline is in a step's result
        self._context.clock.sleep_until(until)

    def receive(self, name: str, deadline: datetime | None) -> JsonValue:
        now = self._context.clock.now()
        if name not in self.kept and deadline is not None and deadline <= now:
            return self.step(name, lambda: kit.time_message(now))
        return self.kept.get(name)


def _drive(execution_id: str, request: str, kept: dict[str, Any], status: str = "") -> dict[str, Any]:
    context, stored = _contexts[execution_id], kit.StoredRequest.of(UUID(execution_id), request)
    walk, steps = kit.new_walk(stored), _InWorkflow(context, dict(kept))
    if not status:
        kit.drive(walk, UUID(execution_id), steps, context.activities, context.clock)
    deadline = walk.deadline.isoformat() if walk.deadline is not None else None
    return {"status": status or walk.status, "deadline": deadline, "kept": steps.kept}


_leg: Callable[..., Any] = DBOS.workflow(name="cutover")(_drive)


def _number(leg: Any) -> int:
    return int(leg.workflow_id.rpartition("/")[2])


_STATUS = {"CANCELLED": "cancelled", "ERROR": "failed", "MAX_RECOVERY_ATTEMPTS_EXCEEDED": "failed"}
create = DbosEngine
