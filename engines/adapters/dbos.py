"""DBOS Transact as an engine, on the kit: each attempt is a DBOS step. Does I/O, by DBOS.

An execution that waits ends its workflow; the next command starts another that goes on from its output: EXECUTION/0,
EXECUTION/1 and so on. DBOS is one to a process, so it is launched for a command; it recovers what dead executors left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from contextvars import Context
from datetime import UTC, datetime
from functools import cached_property
from importlib.metadata import version
from typing import Any
from uuid import UUID, uuid4

from dbos import DBOS, DBOSClient, SetWorkflowID, error

from cutover import kit
from cutover.engines.api import EngineContext, ExecutionRequest, Journal, JsonValue, Signal
from cutover.engines.errors import EngineError, ExecutionHeld, UnknownExecution

__all__ = ["DbosEngine"]

_contexts: dict[str, EngineContext] = {}
_launched: list[str] = []
_CONFIG: Any = {"name": "cutover", "application_version": "1", "log_level": "CRITICAL", "run_migrations": False}
_UNDER_WAY, _STATUS = frozenset({"PENDING", "ENQUEUED"}), {"CANCELLED": "cancelled", "ERROR": "failed"}


class DbosEngine:
    """The engine; each command looks at the execution's newest DBOS workflow."""

    name, capabilities = f"dbos-{version('dbos')}", kit.WITHOUT_HISTORY | {"lease": False}

    def __init__(self, context: EngineContext) -> None:
        self._context, self._url = context, kit.url_of(context.dsn)

    def install(self) -> None:
        DBOS.migrate(system_database_url=self._url)

    def execute(self, request: ExecutionRequest) -> None:
        text = kit.request_text(request)
        try:
            self.resume(request.execution_id)
        except UnknownExecution:
            self._run(f"{request.execution_id}/0", text, {})

    def resume(self, execution_id: UUID, signal: Signal | None = None) -> None:
        kit.check_signal(signal)
        newest = self._recovered(execution_id)
        if newest.status != "SUCCESS" or newest.output["status"] != "running":
            return
        kept, deadline = newest.output["kept"], newest.output["deadline"]
        if signal is not None:
            self._next(execution_id, newest, kit.with_message(kept, kit.signal_message(signal)))
        elif deadline and datetime.fromisoformat(deadline) <= self._context.clock.now():
            self._next(execution_id, newest, kept)

    def cancel(self, execution_id: UUID) -> None:
        newest = self._newest(execution_id)
        if newest.status in _UNDER_WAY:
            self._client.cancel_workflow(newest.workflow_id)
        elif newest.status == "SUCCESS" and newest.output["status"] == "running":  # it waits, so another says so
            self._next(execution_id, newest, newest.output["kept"], "cancelled")

    def journal(self, execution_id: UUID) -> Journal:
        newest = self._newest(execution_id)
        _, request, before, *_ = newest.input["args"]
        kept = before | {s["function_name"]: s["output"] for s in self._client.list_workflow_steps(newest.workflow_id)}
        status: Any = newest.output["status"] if newest.status == "SUCCESS" else _STATUS.get(newest.status, "running")
        ended_at = datetime.fromtimestamp(newest.updated_at / 1_000, UTC)
        return kit.journal_of(kit.StoredRequest.of(execution_id, request), kept, status=status, ended_at=ended_at)

    def close(self) -> None:
        if "_client" in vars(self):
            self._client.destroy()

    @cached_property
    def _client(self) -> DBOSClient:
        return DBOSClient(system_database_url=self._url, retry_connection_errors=False)

    def _newest(self, execution_id: UUID) -> Any:
        if not (found := self._client.list_workflows(workflow_id_prefix=f"{execution_id}/")):
            raise UnknownExecution(f"DBOS has no workflow {execution_id}/0; start it with execute()")
        return found[-1]

    def _recovered(self, execution_id: UUID) -> Any:
        newest = self._newest(execution_id)
        if newest.status not in _UNDER_WAY:
            return newest
        if newest.status == "PENDING" and kit.is_at_work(self._url, newest.executor_id):
            raise ExecutionHeld(f"executor {newest.executor_id} runs {newest.workflow_id}; try again when it has ended")
        with self._dbos(str(execution_id)):
            DBOS._recover_pending_workflows([newest.executor_id])  # noqa: SLF001 - as DBOS's own administration does
            DBOS.retrieve_workflow(newest.workflow_id).get_result(polling_interval_sec=0.02)
        return self._newest(execution_id)

    def _next(self, execution_id: UUID, newest: Any, *given: Any) -> None:
        self._run(f"{execution_id}/{int(newest.workflow_id.rpartition('/')[2]) + 1}", newest.input["args"][1], *given)

    def _run(self, workflow_id: str, *given: Any) -> None:
        with self._dbos(workflow_id[:36]):
            Context().run(_begin, workflow_id, *given)  # of its own, also where it begins inside a step of another

    @contextmanager
    def _dbos(self, execution_id: str) -> Iterator[None]:
        _contexts[execution_id] = self._context
        with ExitStack() as stack:
            if not _launched:
                executor = str(uuid4())
                stack.enter_context(kit.at_work(self._url, executor))
                DBOS(config={**_CONFIG, "system_database_url": self._url, "executor_id": executor})
                DBOS.launch()
                stack.callback(DBOS.destroy)
            elif _launched[0] != self._url:
                raise EngineError("DBOS is one to a process, and runs on another database at this moment")
            _launched.append(self._url)
            stack.callback(_launched.pop)
            with suppress(error.DBOSBaseException, error.DBOSAwaitedWorkflowCancelledError):
                yield


def _drive(execution_id: str, request: str, kept: dict[str, Any], status: str = "") -> dict[str, Any]:
    context, walk = _contexts[execution_id], kit.new_walk(kit.StoredRequest.of(UUID(execution_id), request))

    def step(name: str, work: Callable[[], JsonValue]) -> Any:
        if name not in kept:  # by this workflow or an earlier one
            kept[name] = DBOS.run_step({"name": name}, work)
        return kept[name]

    def receive(name: str, deadline: datetime | None) -> Any:
        if name not in kept and deadline is not None and deadline <= context.clock.now():
            return step(name, lambda: kit.time_message(context.clock.now()))
        return kept.get(name)

    primitives = kit.Primitives(step, receive, context.clock)
    if not status:
        kit.drive(walk, UUID(execution_id), primitives, context.activities, context.clock)
    return {"status": status or walk.status, "deadline": walk.deadline and walk.deadline.isoformat(), "kept": kept}


def _begin(workflow_id: str, *given: Any) -> None:
    with SetWorkflowID(workflow_id):
        _workflow(workflow_id[:36], *given)


_workflow: Callable[..., Any] = DBOS.workflow(name="cutover")(_drive)
