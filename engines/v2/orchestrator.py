"""V2, the candidate engine: drives executions, one statement and one commit a step. Does I/O through its store."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import psycopg

from engines.api import (
    ActivityCall,
    ActivityNode,
    ActivityResult,
    EngineContext,
    ExecutionRequest,
    Journal,
    JsonValue,
    Signal,
)
from engines.errors import ActivityError, EngineError, ExecutionHeld, LeaseLost, PayloadRefused, UnknownExecution
from engines.journal import read_journal
from engines.logs import log_line
from engines.payloads import decode, encode, storable_text
from engines.sqlfiles import sql
from engines.v2 import checkpoints, graph, recovery, retry
from engines.v2.delta import Delta, Step
from engines.v2.graph import Graph
from engines.v2.lease import TTL, Renewer, new_owner
from engines.v2.recovery import Claimed, Rows
from engines.v2.run import Run
from engines.v2.store import Store

__all__ = ["VERSION", "OrchestratorV2", "create"]

VERSION: Final = "v2"
_TRIES: Final = 10
"""How often a claim or a cancel is tried again when another worker moved the execution meanwhile."""


class OrchestratorV2:
    """An engine as `engines.api.Engine` says. All that outlives a call is in Postgres."""

    name = VERSION

    def __init__(self, context: EngineContext) -> None:
        self._activities = context.activities
        self._clock = context.clock
        self._log = context.log
        self._store = Store(context.dsn)
        self._renewer = Renewer(context.dsn, context.clock)
        self._owner = new_owner()
        self._driving: set[UUID] = set()
        self._first_commit = sql("engines.v2", "hold_new") + sql("engines.v2", "write")
        self._next_commit = sql("engines.v2", "hold") + sql("engines.v2", "write")

    def install(self) -> None:
        """Creates V1's tables where they are missing, and V2's on top of them."""
        connection = self._store.connection
        with connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(hashtext('engines.v2.install'))")
            connection.execute(sql("engines.v1", "schema"))
            connection.execute(sql("engines.v2", "schema"))

    def execute(self, request: ExecutionRequest) -> None:
        """Starts the execution and drives it; where it exists, goes on as `resume` does."""
        run = Run(request.execution_id, Graph(request.workflow), encode(request.input))
        first = {
            "workflow_id": _column(request.workflow.id, "the workflow's id"),
            "definition": graph.dump(request.workflow),
            "input": run.top.input,
            "metadata": json.dumps(_metadata(request)),
        }
        with self._drive(run.execution_id):
            run.begin()
            step = run.advance(self._clock.now())
            if self._commit(run, first=first):
                with self._giving_up(run.execution_id, run.epoch):
                    self._go_on(run, step)
                return
        self.resume(request.execution_id)

    def resume(self, execution_id: UUID, signal: Signal | None = None) -> None:
        """Takes the execution over where there is something to do, and drives it."""
        payload = _checked(signal) if signal is not None else None
        with self._drive(execution_id):
            claimed = self._claim(execution_id, signal)
            if claimed is None:
                return
            with self._giving_up(execution_id, claimed.epoch):
                run, rows = self._restore(execution_id, claimed)
                if signal is not None and payload is not None and self._is_new(signal, rows):
                    run.receive(signal.id, signal.name, payload)
                if run.active is not None:
                    self._say(run, "REDELIVERY", step_id=run.active.step_id, attempt=run.active.attempt)
                self._go_on(run, run.advance(self._clock.now()))

    def cancel(self, execution_id: UUID) -> None:
        """Takes the execution from whoever has it, and ends it."""
        for _ in range(_TRIES):
            claimed = self._claim(execution_id, force=True)
            if claimed is None:
                return
            with self._giving_up(execution_id, claimed.epoch), suppress(LeaseLost):
                run, _ = self._restore(execution_id, claimed)
                for step in run.open.values():
                    step.busy_ms = step.elapsed_ms
                run.cancel()
                self._commit(run)
                return
        raise ExecutionHeld(f"execution {execution_id} was taken over {_TRIES} times while it was cancelled; try again")

    def journal(self, execution_id: UUID) -> Journal:
        """What is committed of the execution."""
        try:
            return read_journal(self._store.connection, execution_id, tables="v2")
        except psycopg.OperationalError:
            if not self._store.connection_lost():
                raise
            return read_journal(self._store.connection, execution_id, tables="v2")

    def close(self) -> None:
        """Ends the renewing thread and gives the connections back."""
        self._renewer.close()
        self._store.close()

    def idempotency_key(self, execution_id: UUID, step_id: str) -> str:
        """What the world knows a step's effect by, the same in every attempt and redelivery."""
        return f"{execution_id}:{step_id}"

    def _go_on(self, run: Run, step: Step | None) -> None:
        """Commits and works until the execution ends or waits; `step` is the activity step under way."""
        while True:
            if run.delta:
                self._commit(run)
            if run.status != "running" or run.paused:
                self._release(run)
                return
            if step is not None:
                self._work(run, step)
            step = run.advance(self._clock.now())

    def _work(self, run: Run, step: Step) -> None:
        """Sleeps through the pause before an attempt, or makes the attempt."""
        self._renewer.watch(run.execution_id, run.epoch, self._owner)
        try:
            if step.status == "retrying":
                if step.due_at is not None:
                    self._clock.sleep_until(step.due_at)
                run.start_attempt(step, self._clock.now())
            else:
                self._attempt(run, step)
        finally:
            self._renewer.rest()

    def _attempt(self, run: Run, step: Step) -> None:
        """Calls the activity once, and notes what came of it."""
        assert isinstance(step.node, ActivityNode)  # noqa: S101 - only these have attempts
        call = ActivityCall(
            execution_id=run.execution_id,
            step_id=step.step_id,
            activity=step.node.activity,
            attempt=step.attempt,
            idempotency_key=self.idempotency_key(run.execution_id, step.step_id),
            input=decode(step.given or "null"),
        )
        began = time.perf_counter()
        try:
            result = self._activities.call(call)
        except ActivityError as error:
            step.busy_ms += _ms_since(began)
            self._failed(run, step, error)
        else:
            step.busy_ms += _ms_since(began)
            self._succeeded(run, step, result)

    def _succeeded(self, run: Run, step: Step, result: ActivityResult) -> None:
        try:
            output = encode(result.output)
            ports = tuple(_column(port, "a port of the activity's answer") for port in result.ports)
        except PayloadRefused as error:
            run.attempt_failed(step, str(error))
        else:
            run.complete(step, output, ports)

    def _failed(self, run: Run, step: Step, error: ActivityError) -> None:
        assert isinstance(step.node, ActivityNode)  # noqa: S101 - only these have attempts
        if retry.may_retry(step.node.retry, step.attempt, retryable=error.retryable):
            delay = retry.delay_ms(step.node.retry, step.attempt, run.execution_id, step.step_id)
            run.retry(step, error.message, retry.due_at(self._clock.now(), delay))
        else:
            run.attempt_failed(step, error.message)

    def _commit(self, run: Run, *, first: Mapping[str, Any] | None = None) -> bool:
        """Writes the delta in one statement; raises LeaseLost, or gives False where the execution exists already."""
        delta, run.delta = run.delta, Delta()
        now = self._clock.now()
        ends = run.status != "running" or run.paused
        state = delta.state()
        version = checkpoints.next_version(run.version)
        checksum = checkpoints.checksum(run.checksum, version, run.sequence, state)
        parameters = delta.parameters()
        parameters.update(
            id=run.execution_id,
            epoch=run.epoch,
            version=run.version,
            status=run.status,
            node_id=run.node_id,
            output=run.output,
            error=run.error,
            sequence=run.sequence,
            owner=None if ends else self._owner,
            expires=None if ends else now + TTL,
            served_by=VERSION,
            state=state,
            checksum=checksum,
            schema_version=checkpoints.SCHEMA_VERSION,
            checkpoint_metadata=checkpoints.metadata(run.checkpoint_ms, None),
            error_message=None,
        )
        if first is not None:
            parameters.update(first)

        def note(problem: str) -> None:
            parameters["error_message"] = problem
            parameters["checkpoint_metadata"] = checkpoints.metadata(run.checkpoint_ms, problem)
            self._say(run, "COMMIT_REFUSED", level="warning", problem=problem)

        def landed() -> bool:
            return first is None and self._store.run("probe", {"id": run.execution_id}) == [(run.epoch, version)]

        statement = self._next_commit if first is None else self._first_commit
        began = time.perf_counter()
        done = self._store.commit(statement, parameters, landed, note)
        if not done:
            if first is not None:
                return False
            raise LeaseLost(
                f"execution {run.execution_id} was taken over by another worker after version {run.version}; drop it"
            )
        run.checkpoint_ms = _ms_since(began)
        run.version, run.checksum, run.released = version, checksum, ends
        self._committed(run, delta, now)
        return True

    def _committed(self, run: Run, delta: Delta, now: datetime) -> None:
        """Says what has become durable."""
        for step in delta.steps.values():
            step.stored = True
        for entry in delta.events:
            self._log(
                log_line(
                    level="info",
                    type=entry.type,
                    execution_id=run.execution_id,
                    node_id=entry.node_id,
                    from_state=entry.from_state,
                    to_state=entry.to_state,
                    event=entry.event,
                    timestamp=now,
                    orchestrator_version=VERSION,
                    step_id=entry.step_id,
                    attempt=entry.attempt,
                    sequence=entry.sequence,
                )
            )

    def _claim(self, execution_id: UUID, signal: Signal | None = None, *, force: bool = False) -> Claimed | None:
        """The execution under a new epoch; None where nothing is to do. Raises UnknownExecution, ExecutionHeld."""
        now = self._clock.now()
        wanted = {
            "id": execution_id,
            "owner": self._owner,
            "now": now,
            "expires": now + TTL,
            "served_by": VERSION,
            "signal": signal.id if signal is not None else None,
            "force": force,
        }
        for _ in range(_TRIES):
            taken = self._store.run("claim", wanted)
            if taken:
                claimed = Claimed(*taken[0])
                self._line("LEASE_TAKEN", execution_id, claimed.node_id, epoch=claimed.epoch, owner=self._owner)
                return claimed
            if not self._just_freed(execution_id, signal, now, force=force):
                return None
        raise ExecutionHeld(f"execution {execution_id} changed hands {_TRIES} times while it was claimed; try again")

    def _just_freed(self, execution_id: UUID, signal: Signal | None, now: datetime, *, force: bool) -> bool:
        """Why a claim took nothing: True where it may be tried again, for another worker has just let go."""
        found = self._store.run("standing", {"id": execution_id, "signal": signal.id if signal is not None else None})
        if not found:
            raise UnknownExecution(f"no execution has the id {execution_id}; start it with execute() first")
        status, served_by, owner, expires, known = found[0]
        if served_by != VERSION:
            raise EngineError(f"execution {execution_id} is served by {served_by or 'v1'}; resume it there")
        if status != "running":
            return False
        if owner is None:
            return force or (signal is not None and not known)
        if owner == self._owner or expires <= now:
            return True
        raise ExecutionHeld(f"execution {execution_id} is driven by {owner} until {expires}; try again after that")

    def _restore(self, execution_id: UUID, claimed: Claimed) -> tuple[Run, Rows]:
        """The claimed execution in memory, once its checkpoints are verified."""
        rows = recovery.read_rows(self._store.run("load", {"id": execution_id}))
        return recovery.restore(execution_id, claimed, Graph(graph.load(claimed.definition)), rows), rows

    def _is_new(self, signal: Signal, rows: Rows) -> bool:
        """Whether this signal has not been taken in before."""
        return signal.id not in rows.signals

    def _release(self, run: Run) -> None:
        """Gives the lease back, where the last commit has not done so."""
        if not run.released:
            self._store.run("release", {"id": run.execution_id, "epoch": run.epoch})

    @contextmanager
    def _drive(self, execution_id: UUID) -> Iterator[None]:
        """Marks the execution as this engine's own, so that an activity that calls back cannot adopt it."""
        if execution_id in self._driving:
            raise ExecutionHeld(f"execution {execution_id} is being driven by this very worker")
        self._driving.add(execution_id)
        try:
            yield
        finally:
            self._driving.discard(execution_id)

    @contextmanager
    def _giving_up(self, execution_id: UUID, epoch: int) -> Iterator[None]:
        """Lets the lease run out where the drive ends by an error, so that nobody has to wait for it."""
        try:
            yield
        except BaseException:
            with suppress(psycopg.Error, EngineError):
                mine = {"id": execution_id, "epoch": epoch, "owner": self._owner, "now": self._clock.now()}
                self._store.run("give_up", mine)
            raise

    def _say(self, run: Run, kind: str, *, level: str = "info", **extra: JsonValue) -> None:
        self._line(kind, run.execution_id, run.node_id, level=level, **extra)

    def _line(
        self, kind: str, execution_id: UUID, node_id: str | None, *, level: str = "info", **extra: JsonValue
    ) -> None:
        """Logs an operation that is no transition."""
        self._log(
            log_line(
                level=level,
                type=kind,
                execution_id=execution_id,
                node_id=node_id,
                from_state=None,
                to_state=None,
                event=None,
                timestamp=self._clock.now(),
                orchestrator_version=VERSION,
                **extra,
            )
        )


def create(context: EngineContext) -> OrchestratorV2:
    """The engine, connected on first use."""
    return OrchestratorV2(context)


def _column(text: str, what: str) -> str:
    """The text itself; raises PayloadRefused where a column of text cannot hold it."""
    if storable_text(text) != text:
        raise PayloadRefused(f"{what} is {text!r}; it must be text without NUL and lone surrogates")
    return text


def _checked(signal: Signal) -> str:
    """The signal's payload as JSON text; raises PayloadRefused."""
    _column(signal.id, "a signal's id")
    _column(signal.name, "a signal's name")
    return encode(signal.payload)


def _metadata(request: ExecutionRequest) -> dict[str, str]:
    for key, value in request.metadata.items():
        _column(key, "a key of the execution's metadata")
        _column(value, f"the execution's metadata {key!r}")
    return {**request.metadata, "orchestrator_version": VERSION}


def _ms_since(began: float) -> float:
    return (time.perf_counter() - began) * 1_000
