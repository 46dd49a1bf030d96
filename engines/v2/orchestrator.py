"""V2, the candidate engine: drives executions, one statement and one commit a step. Does I/O through its parts."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from hashlib import sha256
from typing import Final
from uuid import UUID

import psycopg
from psycopg.sql import SQL, Literal

from cutover.engines.api import (
    ActivityCall,
    ActivityNode,
    ActivityResult,
    EngineContext,
    ExecutionRequest,
    Journal,
    Signal,
)
from cutover.engines.errors import ActivityError, ExecutionHeld, LeaseLost, PayloadRefused
from cutover.engines.journal import read_journal
from cutover.engines.payloads import decode, encode, storable_text
from cutover.engines.sqlfiles import sql
from cutover.engines.v2 import graph, recovery, retry
from cutover.engines.v2.graph import Graph
from cutover.engines.v2.lease import CLAIM_TRIES, Claims, Renewer, new_owner
from cutover.engines.v2.lines import VERSION, LogLines
from cutover.engines.v2.planner import Step
from cutover.engines.v2.recovery import Claimed, Rows
from cutover.engines.v2.run import ExecutionRun
from cutover.engines.v2.store import PostgresUnreachable, Store, blames_rows, explained
from cutover.engines.v2.writer import Writer

__all__ = ["OrchestratorV2", "create"]

_MARK: Final = "SELECT obj_description(to_regclass('workflow_checkpoints'), 'pg_class')"
"""Which schema the database has; null where it has none."""


class OrchestratorV2:
    """An engine as `cutover.engines.api.Engine` says. All that outlives a call is in Postgres."""

    name = VERSION

    def __init__(self, context: EngineContext) -> None:
        self.activities = context.activities
        self.clock = context.clock
        self.owner = new_owner()
        self.lines = LogLines(context.log, context.clock)
        self.store = Store(context.dsn)
        self.writer = Writer(self.store, context.clock, self.lines, self.owner)
        self.claims = Claims(self.store, context.clock, self.lines, self.owner)
        self.renewer = Renewer(context.dsn, context.clock)

    def install(self) -> None:
        """Creates V1's tables where they are missing, and V2's on top of them.

        Where that has been done it takes no lock on any table, so a worker may call it beside others at work.
        """
        schema = sql("cutover.engines.v1", "schema"), sql("cutover.engines.v2", "schema")
        mark = f"engines.v2 {sha256(''.join(schema).encode()).hexdigest()}"
        connection = self.store.connection
        with explained(), connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(hashtext('engines.v2.install'))")
            if connection.execute(_MARK).fetchone() == (mark,):
                return
            for statements in schema:
                connection.execute(statements)
            connection.execute(SQL("COMMENT ON TABLE workflow_checkpoints IS {}").format(Literal(mark)))

    def execute(self, request: ExecutionRequest) -> None:
        """Starts the execution and drives it; where it exists, goes on as `resume` does."""
        run = ExecutionRun(request.execution_id, Graph(request.workflow), encode(request.input))
        workflow_id = _column(request.workflow.id, "the workflow's id")
        definition, metadata = graph.dump(request.workflow), json.dumps(_metadata(request))
        with self.claims.driving(run.execution_id):
            run.begin()
            step = run.advance(self.clock.now())
            if self.writer.start(run, workflow_id, definition, metadata):
                self.lines.operation("LEASE_TAKEN", run.execution_id, run.node_id, epoch=run.epoch, owner=self.owner)
                with self.claims.giving_up(run.execution_id, run.epoch):
                    self.go_on(run, step)
                return
        self.resume(request.execution_id)

    def resume(self, execution_id: UUID, signal: Signal | None = None) -> None:
        """Claims the execution where there is something to do, and drives it."""
        if signal is not None:
            _column(signal.id, "a signal's id")
            _column(signal.name, "a signal's name")
            encode(signal.payload)
        with self.claims.driving(execution_id):
            claimed = self.claims.take(execution_id, signal.id if signal is not None else None)
            if claimed is None:
                return
            with self.claims.giving_up(execution_id, claimed.epoch):
                run, rows = self.restore(execution_id, claimed)
                if signal is not None and self.is_new(signal, rows):
                    run.receive(signal.id, signal.name, encode(signal.payload))
                step = run.active
                if step is not None and step.status == "running":
                    self.lines.operation(
                        "REDELIVERY", execution_id, step.node.id, step_id=step.step_id, attempt=step.attempt
                    )
                self.go_on(run, run.advance(self.clock.now()))

    def cancel(self, execution_id: UUID) -> None:
        """Takes the execution from whoever has it, and ends it; also where its rows are damaged."""
        for _ in range(CLAIM_TRIES):
            claimed = self.claims.take(execution_id, force=True)
            if claimed is None:
                return
            with suppress(LeaseLost), self.claims.giving_up(execution_id, claimed.epoch):
                try:
                    self.cancel_whole(execution_id, claimed)
                except Exception as damage:
                    if isinstance(damage, LeaseLost | PostgresUnreachable) or not blames_rows(damage):
                        raise
                    self.writer.cancel_damaged(execution_id, claimed, damage)
                return
        raise ExecutionHeld(f"execution {execution_id} was taken over each time it was to be cancelled; try again")

    def cancel_whole(self, execution_id: UUID, claimed: Claimed) -> None:
        """Ends the claimed execution, once its rows and checkpoints agree."""
        run, _ = self.restore(execution_id, claimed)
        for step in run.open.values():
            step.busy_ms = step.elapsed_ms
        run.cancel()
        self.writer.commit(run)

    def journal(self, execution_id: UUID) -> Journal:
        """Returns what is committed of the execution."""
        with explained():
            try:
                return read_journal(self.store.connection, execution_id, tables="v2")
            except psycopg.OperationalError:
                if not self.store.connection_lost():
                    raise
                return read_journal(self.store.connection, execution_id, tables="v2")

    def close(self) -> None:
        """Ends the renewing thread and closes the connections."""
        self.renewer.close()
        self.store.close()

    def idempotency_key(self, execution_id: UUID, step_id: str) -> str | None:
        """What the world knows a step's effect by, the same in every attempt and redelivery."""
        return f"{execution_id}:{step_id}"

    def is_new(self, signal: Signal, rows: Rows) -> bool:
        """Whether this signal has not been taken in before."""
        return signal.id not in rows.signals

    def restore(self, execution_id: UUID, claimed: Claimed) -> tuple[ExecutionRun, Rows]:
        """The claimed execution in memory, once its checkpoints are verified."""
        rows = recovery.read_rows(self.store.run("load", {"id": execution_id}))
        return recovery.restore(execution_id, claimed, Graph(graph.load(claimed.definition)), rows), rows

    def go_on(self, run: ExecutionRun, step: Step | None) -> None:
        """Commits and works until the execution ends or waits; `step` is the activity step under way."""
        while True:
            if run.delta:
                self.writer.commit(run)
            if run.status != "running" or run.paused:
                if not run.released:
                    self.claims.release(run.execution_id, run.epoch)
                return
            if step is not None:
                self.work(run, step)
            step = run.advance(self.clock.now())

    def work(self, run: ExecutionRun, step: Step) -> None:
        """Sleeps through the pause before an attempt, or makes the attempt."""
        self.renewer.watch(run.execution_id, run.epoch, self.owner)
        try:
            if step.status == "retrying":
                if step.due_at is not None:
                    self.clock.sleep_until(step.due_at)
                run.start_attempt(step, self.clock.now())
            else:
                self.attempt(run, step)
        finally:
            self.renewer.rest()

    def attempt(self, run: ExecutionRun, step: Step) -> None:
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
            result = self.activities.call(call)
        except ActivityError as error:
            step.busy_ms += _ms_since(began)
            self.failed(run, step, step.node, error)
        else:
            step.busy_ms += _ms_since(began)
            self.succeeded(run, step, result)

    def succeeded(self, run: ExecutionRun, step: Step, result: ActivityResult) -> None:
        """Ends the step; an answer that cannot be kept fails it, for another attempt would repeat the effect."""
        try:
            output = encode(result.output)
            ports = tuple(_column(port, "a port of the activity's answer") for port in result.ports)
        except PayloadRefused as error:
            run.attempt_failed(step, str(error))
        else:
            run.complete(step, output, ports)

    def failed(self, run: ExecutionRun, step: Step, node: ActivityNode, error: ActivityError) -> None:
        """Plans the next attempt, or ends the step where there is none."""
        if retry.may_retry(node.retry, step.attempt, retryable=error.retryable):
            delay = retry.delay_ms(node.retry, step.attempt, run.execution_id, step.step_id)
            run.retry(step, error.message, retry.due_at(self.clock.now(), delay))
        else:
            run.attempt_failed(step, error.message)


def create(context: EngineContext) -> OrchestratorV2:
    """The engine, connected on first use."""
    return OrchestratorV2(context)


def _column(text: str, what: str) -> str:
    """The text itself; raises PayloadRefused where a column of text cannot hold it."""
    if storable_text(text) != text:
        raise PayloadRefused(f"{what} is {text!r}; it must be text without NUL and lone surrogates")
    return text


def _metadata(request: ExecutionRequest) -> dict[str, str]:
    for key, value in request.metadata.items():
        _column(key, "a key of the execution's metadata")
        _column(value, f"the execution's metadata {key!r}")
    return {**request.metadata, "orchestrator_version": VERSION}


def _ms_since(began: float) -> float:
    return (time.perf_counter() - began) * 1_000
