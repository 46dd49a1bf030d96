"""V2 as adapters of other engines behave: sound, and unlike ours in one respect each."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import ClassVar
from uuid import UUID

import psycopg

from cutover.engines.api import (
    Activities,
    ActivityCall,
    ActivityResult,
    Capabilities,
    Engine,
    EngineContext,
    ExecutionRequest,
    Journal,
    LoopNode,
    Signal,
    StepRow,
    WaitNode,
)
from cutover.engines.errors import ExecutionHeld, UnknownExecution, WorkflowRefused
from cutover.engines.registry import resolve

__all__ = [
    "Changed",
    "breaks",
    "by_child",
    "forgetful",
    "from_threads",
    "modest",
    "open_to_all",
    "queued",
    "single",
    "undated",
    "unzoned",
]


class Changed:
    """An engine that does as the engine does that it is made of, but for what its subclass changes."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.name = engine.name

    def install(self) -> None:
        self.engine.install()

    def execute(self, request: ExecutionRequest) -> None:
        self.engine.execute(request)

    def resume(self, execution_id: UUID, signal: Signal | None = None) -> None:
        self.engine.resume(execution_id, signal)

    def cancel(self, execution_id: UUID) -> None:
        self.engine.cancel(execution_id)

    def journal(self, execution_id: UUID) -> Journal:
        return self.engine.journal(execution_id)

    def close(self) -> None:
        self.engine.close()


class _Undated(Changed):
    def journal(self, execution_id: UUID) -> Journal:
        found = self.engine.journal(execution_id)
        return replace(found, steps=tuple(replace(step, finished_at=None) for step in found.steps))


def undated(context: EngineContext) -> Engine:
    """Returns one that keeps no times at which steps end."""
    return _Undated(resolve("v2")(context))


class _Unzoned(Changed):
    def journal(self, execution_id: UUID) -> Journal:
        found = self.engine.journal(execution_id)
        began = [step.started_at and step.started_at.replace(tzinfo=None) for step in found.steps]
        return replace(found, steps=tuple(map(_begun, found.steps, began)))


def _begun(step: StepRow, at: datetime | None) -> StepRow:
    return replace(step, started_at=at)


def unzoned(context: EngineContext) -> Engine:
    """Returns one that says of no time of its steps in which zone it is."""
    return _Unzoned(resolve("v2")(context))


class _Forgetful(Changed):
    capabilities: ClassVar[Mapping[str, bool]] = {"events": False}

    def journal(self, execution_id: UUID) -> Journal:
        return replace(self.engine.journal(execution_id), events=())


def forgetful(context: EngineContext) -> Engine:
    """Returns one that has checkpoints and no events, and says so."""
    return _Forgetful(resolve("v2")(context))


class _OpenToAll(Changed):
    capabilities: ClassVar[Mapping[str, bool]] = {"lease": False}

    def resume(self, execution_id: UUID, signal: Signal | None = None) -> None:
        with suppress(ExecutionHeld):
            self.engine.resume(execution_id, signal)


def open_to_all(context: EngineContext) -> Engine:
    """Returns one that turns no worker away, and says so."""
    return _OpenToAll(resolve("v2")(context))


class _ByChild(Changed):
    client: subprocess.Popen[bytes] | None = None

    def journal(self, execution_id: UUID) -> Journal:
        if self.client is None:
            self.client = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.client.stdin is not None
        assert self.client.stdout is not None
        self.client.stdin.write(b"asked\n")
        self.client.stdin.flush()
        assert self.client.stdout.readline() == b"asked\n"
        return self.engine.journal(execution_id)

    def close(self) -> None:
        if self.client is not None:
            self.client.communicate()
        self.engine.close()


def by_child(context: EngineContext) -> Engine:
    """Returns one that reads a journal by a process of its own, as a client in another language does."""
    return _ByChild(resolve("v2")(context))


def from_threads(context: EngineContext) -> Engine:
    """Returns one that calls activities and writes its log from threads of a pool, several at once."""
    return resolve("v2")(replace(context, activities=_Threaded(context)))


class _Threaded:
    """Asks for the time of a sleep and for a call at once, and logs meanwhile."""

    def __init__(self, context: EngineContext) -> None:
        self._activities: Activities = context.activities
        self._clock, self._log = context.clock, context.log

    def call(self, call: ActivityCall) -> ActivityResult:
        """Calls one, with seven threads at its side."""
        with ThreadPoolExecutor(max_workers=8) as pool:
            for _ in range(4):
                pool.submit(self._clock.sleep_until, self._clock.now())
            for number in range(100):
                pool.submit(self._log, f'{{"line": {number}}}')
            return pool.submit(self._activities.call, call).result()


class _Breaks(Changed):
    def execute(self, request: ExecutionRequest) -> None:
        self.engine.execute(request)
        _reach_for([])


def breaks(context: EngineContext) -> Engine:
    """Returns one with a bug in it."""
    return _Breaks(resolve("v2")(context))


def _reach_for(nothing: list[int]) -> int:
    return nothing[3]


class _Modest(Changed):
    capabilities = Capabilities(
        cancel=False, signals=False, signal_ids=False, waits=False, loops=False, concurrent_workers=False
    )

    def execute(self, request: ExecutionRequest) -> None:
        if any(isinstance(node, WaitNode | LoopNode) for node in request.workflow.nodes):
            raise WorkflowRefused("no waits and no loops")
        self.engine.execute(request)

    def cancel(self, execution_id: UUID) -> None:
        raise NotImplementedError(execution_id)


def modest(context: EngineContext) -> Engine:
    """Returns one that knows activities and branches, and says so."""
    return _Modest(resolve("v2")(context))


class _Single(Changed):
    capabilities: Mapping[str, bool] = {"one_per_process": True}
    _alive: ClassVar[list[object]] = []

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        if self._alive:
            raise RuntimeError("this process has one already")
        self._alive.append(self)

    def close(self) -> None:
        self._alive.clear()
        self.engine.close()


def single(context: EngineContext) -> Engine:
    """Returns one that is the only one in its process, as where a library keeps its state in a module."""
    return _Single(resolve("v2")(context))


class _Queued(Changed):
    """One queue for all executions of a database: whoever works takes the oldest entry that nobody works at."""

    def __init__(self, context: EngineContext) -> None:
        super().__init__(resolve("v2")(context))
        self._dsn = context.dsn

    def install(self) -> None:
        self.engine.install()
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS work (id uuid PRIMARY KEY, place bigserial)")

    def execute(self, request: ExecutionRequest) -> None:
        self._work(request.execution_id, lambda: self.engine.execute(request))

    def resume(self, execution_id: UUID, signal: Signal | None = None) -> None:
        self.engine.journal(execution_id)  # raises UnknownExecution
        self._work(execution_id, lambda: self.engine.resume(execution_id, signal))

    def _work(self, own: UUID, run: Callable[[], None]) -> None:
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            connection.execute("INSERT INTO work VALUES (%s) ON CONFLICT DO NOTHING", [own])
            entry = None
            while entry != own:
                with connection.transaction():
                    taken = connection.execute(_TAKE).fetchone()
                    entry = own if taken is None else taken[0]
                    if entry == own:
                        run()
                    else:
                        with suppress(UnknownExecution):
                            self.engine.resume(entry)
                    connection.execute(_DONE, [entry])


_TAKE = "SELECT id FROM work ORDER BY place LIMIT 1 FOR UPDATE SKIP LOCKED"
_DONE = "DELETE FROM work WHERE id IN (SELECT id FROM work WHERE id = %s FOR UPDATE SKIP LOCKED)"


def queued(context: EngineContext) -> Engine:
    """Returns one whose workers take up whatever is in the database, as most job queues do."""
    return _Queued(context)
