"""A whole engine on psycopg and Cutover's kit: leases, fencing, retries, signals, timers. Copy it and change it.

Each result is a row that is written once. An execution is held for 30 s at a time, under a number (`epoch`) that grows
with each worker that takes it over: what an earlier worker still writes meets no row, and it learns that it is late.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from cutover import kit
from cutover.engines.api import EngineContext, ExecutionRequest, Journal, JsonValue, Signal
from cutover.engines.errors import ExecutionHeld, LeaseLost, UnknownExecution

LEASE, RENEWED_EVERY_S = timedelta(seconds=30), 5.0
TABLES = """
CREATE TABLE IF NOT EXISTS example_executions (id uuid PRIMARY KEY, request text, status text DEFAULT 'running',
    epoch integer DEFAULT 0, held_until timestamptz, ended_at timestamptz);
CREATE TABLE IF NOT EXISTS example_results (execution_id uuid, name text, result text, UNIQUE (execution_id, name));
CREATE TABLE IF NOT EXISTS example_signals
    (execution_id uuid, id text, message text, place bigserial, UNIQUE (execution_id, id));"""
START = "INSERT INTO example_executions (id, request) VALUES (%s, %s) ON CONFLICT DO NOTHING"
CLAIM = """UPDATE example_executions SET epoch = epoch + 1, held_until = %(until)s
WHERE id = %(id)s AND status = 'running' AND (held_until IS NULL OR held_until <= %(now)s) RETURNING request, epoch"""
HOLD = """UPDATE example_executions SET held_until = %(until)s
WHERE id = %(id)s AND epoch = %(epoch)s AND status = 'running' RETURNING id"""
KEEP = """WITH held AS (UPDATE example_executions SET held_until = %(until)s
    WHERE id = %(id)s AND epoch = %(epoch)s AND status = 'running' RETURNING id)
INSERT INTO example_results SELECT id, %(name)s, %(result)s FROM held RETURNING name"""
LET_GO = """UPDATE example_executions SET status = %(status)s, held_until = NULL,
    ended_at = CASE %(status)s WHEN 'running' THEN NULL ELSE clock_timestamp() END
WHERE id = %(id)s AND epoch = %(epoch)s AND status = 'running'"""
CANCEL = """UPDATE example_executions SET status = 'cancelled', epoch = epoch + 1, ended_at = clock_timestamp()
WHERE id = %s AND status = 'running'"""
SEND = """INSERT INTO example_signals SELECT id, %(signal)s, %(message)s FROM example_executions
WHERE id = %(id)s AND status = 'running' ON CONFLICT DO NOTHING"""
NEXT_SIGNAL = "SELECT message FROM example_signals WHERE execution_id = %s ORDER BY place OFFSET %s LIMIT 1"
RESULTS = "SELECT name, result FROM example_results WHERE execution_id = %s"
STANDING = "SELECT request, status, ended_at FROM example_executions WHERE id = %s"


class ExampleEngine:  # what the harness drives, see `cutover.engines.api.Engine`
    name, capabilities = "example-psycopg", kit.WITHOUT_HISTORY

    def __init__(self, context: EngineContext) -> None:
        self.context = context
        self._connection: psycopg.Connection[Any] | None = None

    def run(self, statement: Any, given: Any) -> list[Any]:
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(self.context.dsn, autocommit=True)
        cursor = self._connection.execute(statement, given)
        return [*cursor] if cursor.description else []

    def install(self) -> None:
        self.run(TABLES, None)

    def execute(self, request: ExecutionRequest) -> None:
        self.run(START, (request.execution_id, kit.request_text(request)))
        self.resume(request.execution_id)

    def resume(self, execution_id: UUID, signal: Signal | None = None) -> None:
        if signal is not None:
            kit.check_signal(signal)
            sent = kit.kept_text(kit.signal_message(signal))
            self.run(SEND, {"id": execution_id, "signal": signal.id, "message": sent})
        now = self.context.clock.now()
        claimed = self.run(CLAIM, {"id": execution_id, "now": now, "until": now + LEASE})
        if claimed:
            request, epoch = claimed[0]
            walk, held = kit.new_walk(kit.StoredRequest.of(execution_id, request)), Held(self, execution_id, epoch)
            kit.drive(walk, execution_id, held, self.context.activities, self.context.clock)
            self.run(LET_GO, {"id": execution_id, "epoch": epoch, "status": walk.status})
        elif self.standing(execution_id)[1] == "running":
            raise ExecutionHeld(f"another worker holds execution {execution_id}; try again in {LEASE}")

    def cancel(self, execution_id: UUID) -> None:
        self.standing(execution_id)
        self.run(CANCEL, (execution_id,))

    def journal(self, execution_id: UUID) -> Journal:
        request, status, ended_at = self.standing(execution_id)
        stored = kit.StoredRequest.of(execution_id, request)
        return kit.journal_of(stored, self.results(execution_id), status=status, ended_at=ended_at)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def standing(self, execution_id: UUID) -> Any:
        for row in self.run(STANDING, (execution_id,)):
            return row
        raise UnknownExecution(f"no execution {execution_id}; start it with execute()")

    def results(self, execution_id: UUID) -> dict[str, Any]:
        return {name: kit.kept_value(text) for name, text in self.run(RESULTS, (execution_id,))}


class Held:  # by this worker; the kit's primitives, see `cutover.kit.Durable`
    def __init__(self, engine: ExampleEngine, execution_id: UUID, epoch: int) -> None:
        self.engine, self.clock, self.key = engine, engine.context.clock, {"id": execution_id, "epoch": epoch}
        self.kept: dict[str, JsonValue] = engine.results(execution_id)
        self.signals = sum(isinstance(kept, dict) and "id" in kept for kept in self.kept.values())

    def guarded(self, statement: str, **more: str) -> None:
        if not self.engine.run(statement, {**self.key, **more, "until": self.clock.now() + LEASE}):
            raise LeaseLost(f"another worker took execution {self.key['id']} over, or it was cancelled")

    def step(self, name: str, work: Callable[[], JsonValue]) -> JsonValue:
        if name not in self.kept:
            self.guarded(HOLD)  # a worker that was overtaken asks for nothing
            ended = threading.Event()
            (renewing := threading.Thread(target=self.renew, args=(ended,), daemon=True)).start()
            try:
                result = work()
            finally:
                ended.set()
                renewing.join()
            self.keep(name, result)
        return self.kept[name]

    def renew(self, ended: threading.Event) -> None:
        while not ended.wait(RENEWED_EVERY_S):
            self.guarded(HOLD)

    def keep(self, name: str, result: JsonValue) -> None:
        self.guarded(KEEP, name=name, result=kit.kept_text(result))
        self.kept[name] = result

    def sleep(self, name: str, until: datetime) -> None:  # noqa: ARG002 - the deadline is in a result that is kept
        self.clock.sleep_until(until)

    def receive(self, name: str, deadline: datetime | None) -> JsonValue:
        now = self.clock.now()
        if name not in self.kept:
            if waiting := self.engine.run(NEXT_SIGNAL, (self.key["id"], self.signals)):
                self.signals += 1
                self.keep(name, kit.kept_value(waiting[0][0]))
            elif deadline is not None and deadline <= now:
                self.keep(name, kit.time_message(now))
        return self.kept.get(name)
