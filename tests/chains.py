"""A small engine of its own: chains of activities, each answer kept in a row by a thread in the background.

`sound` waits for each row; `beating` too, with a heartbeat at its side, at times that nobody can tell. `eager` goes on
to the next activity before the answer of the last one is kept, as engines do that write behind. None of them knows
waits, loops, branches or retries.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Json

from cutover.engines.api import (
    ActivityCall,
    ActivityNode,
    Capabilities,
    Engine,
    EngineContext,
    ExecutionRequest,
    ExecutionRow,
    Journal,
    Signal,
    StepRow,
)
from cutover.engines.errors import UnknownExecution, WorkflowRefused
from cutover.engines.payloads import decode, encode

__all__ = ["beating", "eager", "sound"]

_TABLES = """
CREATE TABLE IF NOT EXISTS chain (
    id uuid PRIMARY KEY, workflow text, nodes json, metadata json, input json, output json,
    began timestamptz DEFAULT clock_timestamp(), ended timestamptz);
CREATE TABLE IF NOT EXISTS link (
    id uuid, place int, step text, input json, output json, began timestamptz,
    ended timestamptz DEFAULT clock_timestamp(), PRIMARY KEY (id, place));
"""
_KEEP = """
INSERT INTO link VALUES (%s, %s, %s, %s, %s, clock_timestamp()) ON CONFLICT DO NOTHING
"""


class _Chains:
    name = "chains"
    capabilities = Capabilities(
        cancel=False, signals=False, signal_ids=False, waits=False, retries=False, loops=False, injected_clock=False,
        lease=False, concurrent_workers=False, checkpoints=False, events=False, metrics=False,
    )  # fmt: skip

    def __init__(self, context: EngineContext, *, waits: bool) -> None:
        self._context, self._waits = context, waits
        self._writer = ThreadPoolExecutor(max_workers=1)
        self._open: dict[str, psycopg.Connection[Any]] = {}

    def _connection(self, use: str) -> psycopg.Connection[Any]:
        if use not in self._open or self._open[use].closed:
            self._open[use] = psycopg.connect(self._context.dsn, autocommit=True, prepare_threshold=None)
        return self._open[use]

    def install(self) -> None:
        self._connection("main").execute(_TABLES)

    def execute(self, request: ExecutionRequest) -> None:
        nodes = request.workflow.nodes
        if not all(node.kind in {"start", "activity"} for node in nodes):
            raise WorkflowRefused("chains of activities alone")
        steps = [[node.id, node.activity if isinstance(node, ActivityNode) else None] for node in nodes]
        self._connection("main").execute(
            "INSERT INTO chain VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            [request.execution_id, request.workflow.id, Json(steps), Json(dict(request.metadata)),
             encode(request.input)],
        )  # fmt: skip
        self._drive(request.execution_id)

    def resume(self, execution_id: UUID, signal: Signal | None = None) -> None:  # noqa: ARG002 - it knows none
        self._drive(execution_id)

    def cancel(self, execution_id: UUID) -> None:
        raise NotImplementedError

    def _drive(self, execution_id: UUID) -> None:
        main = self._connection("main")
        found = main.execute("SELECT nodes, input::text, ended FROM chain WHERE id = %s", [execution_id]).fetchone()
        if found is None:
            raise UnknownExecution(str(execution_id))
        nodes, value, ended = found
        if ended is not None:
            return
        rows = main.execute("SELECT place, output::text FROM link WHERE id = %s", [execution_id]).fetchall()
        done, kept = dict(rows), list[Future[None]]()
        for place, (step, activity) in enumerate(nodes):
            if place in done:
                value = done[place]
                continue
            given, value = value, value if activity is None else self._ask(execution_id, step, activity, value)
            kept.append(self._writer.submit(self._keep, [execution_id, place, step, given, value]))
            if self._waits:
                kept[-1].result()
        for each in kept:
            each.result()
        main.execute("UPDATE chain SET output = %s, ended = clock_timestamp() WHERE id = %s", [value, execution_id])

    def _ask(self, execution_id: UUID, step: str, activity: str, value: str) -> str:
        key = f"{execution_id}:{step}"
        call = ActivityCall(
            execution_id=execution_id, step_id=step, activity=activity, attempt=1, idempotency_key=key,
            input=decode(value),
        )  # fmt: skip
        return encode(self._context.activities.call(call).output)

    def _keep(self, row: list[object]) -> None:
        self._connection("writer").execute(_KEEP, row)

    def journal(self, execution_id: UUID) -> Journal:
        main = self._connection("main")
        found = main.execute("SELECT workflow, nodes, metadata, input::text, output::text, began, ended FROM chain WHERE id = %s", [execution_id]).fetchone()  # fmt: skip # noqa: E501
        if found is None:
            raise UnknownExecution(str(execution_id))
        workflow, nodes, metadata, given, output, began, ended = found
        rows = main.execute(
            "SELECT step, input::text, output::text, began, ended FROM link WHERE id = %s ORDER BY place",
            [execution_id],
        ).fetchall()
        return Journal(
            execution=ExecutionRow(
                id=execution_id, workflow_id=workflow, status="completed" if ended else "running",
                current_node_id=nodes[-1][0], input=given, output=output, error=None, metadata=metadata, version=0,
                created_at=began, started_at=began, finished_at=ended,
            ),
            steps=tuple(_step(*row) for row in rows),
        )  # fmt: skip

    def close(self) -> None:
        self._writer.shutdown()
        for connection in self._open.values():
            connection.close()


def _step(step: str, given: str, output: str, began: datetime, ended: datetime) -> StepRow:
    return StepRow(
        step_id=step, node_id=step, status="completed", attempt=1, input=given, output=output, ports=("out",),
        error=None, started_at=began, finished_at=ended,
    )  # fmt: skip


class _Beating(_Chains):
    def execute(self, request: ExecutionRequest) -> None:
        self._beside(lambda: super(_Beating, self).execute(request))

    def resume(self, execution_id: UUID, signal: Signal | None = None) -> None:
        self._beside(lambda: super(_Beating, self).resume(execution_id, signal))

    def _beside(self, work: Callable[[], None]) -> None:
        over = threading.Event()
        beats = threading.Thread(target=self._beat, args=(over,), daemon=True)
        beats.start()
        try:
            work()
        finally:
            over.set()
            beats.join()

    def _beat(self, over: threading.Event) -> None:
        number = 0
        with psycopg.connect(self._context.dsn, autocommit=True) as connection:
            while not over.wait(random.SystemRandom().uniform(0, 0.004)):
                number += 1
                connection.execute(f"SELECT 'beat {number}'".encode())


def beating(context: EngineContext) -> Engine:
    """Returns one that waits for each row, and sends a heartbeat all the time."""
    return _Beating(context, waits=True)


def eager(context: EngineContext) -> Engine:
    """Returns one that acknowledges an activity to its workflow before it is durable."""
    return _Chains(context, waits=False)


def sound(context: EngineContext) -> Engine:
    """Returns one that waits for each row."""
    return _Chains(context, waits=True)
