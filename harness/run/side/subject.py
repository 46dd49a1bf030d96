"""The process of one engine whose costs are counted: plays executions and says where it is. Calls the engine.

At every moment that matters it asks its parent, `meter.py`, and waits for the answer, so what the parent reads then
belongs to that moment. A second process stands by for the one play that needs two, forked before the engine is loaded.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import socket
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

from cutover.engines.api import ActivityCall, ActivityResult, Engine, EngineContext, EngineFactory, ExecutionRequest
from cutover.engines.api import Signal as SignalSent
from cutover.engines.byprocess.lifeline import die_with_parent
from cutover.engines.registry import resolve
from cutover.harness.run.process.boot import ParentLink
from cutover.harness.run.side.ladder import Rung, edition, rung
from cutover.harness.run.world.clock import VirtualClock
from cutover.harness.run.world.world import World
from cutover.scenarios.model import Scenario

__all__ = ["main"]

_PAUSED: Final = "running"
"""The status of an execution that waits for a signal that never comes."""
_SAYS: Final = "says "
_MOST: Final = 4096


def main(link: ParentLink) -> None:
    """Plays what the parent names, one play after another; answers with why it tells nothing, or an empty text."""
    setup: Mapping[str, str] = link.setup
    second = _Second(setup["spec"], setup["dsn"])
    factory = resolve(setup["spec"])

    def play(name: str) -> bytes:
        return json.dumps(_Subject(link, factory, setup["dsn"], second).play(rung(name))).encode("ascii")

    link.serve(play, caught=(Exception,))


class _Subject:
    """The engine of one play, and the world that its executions live in; an `Activities` of them."""

    def __init__(self, link: ParentLink, factory: EngineFactory, dsn: str, second: _Second) -> None:
        self._link, self._factory, self._dsn, self._second = link, factory, dsn, second
        self._clock = VirtualClock()
        self._worlds: dict[UUID, World] = {}
        self._counted = True
        self._at_call: Callable[[], None] | None = None
        self._other: Engine | None = None
        self._asked = False
        self._calls = 0
        self._problem = ""

    def play(self, played: Rung) -> str:
        """Plays all executions of one play, and then sees how they ended."""
        self._ask("begin")
        if played.kind == "contended":
            return self._play_two(played)
        engine = self._factory(self._context())
        cancels = played.scenario.cancel_at_pause is not None
        self._other = self._factory(self._context()) if played.asked or cancels else None
        self._asked = played.asked
        ended: list[UUID] = []
        if played.kind == "beside" and (companion := played.companion) is not None:
            self._at_call = lambda: ended.append(self._run_beside(companion))
        for number in range(1, played.executions + 1):
            scenario = edition(played.scenario, number) if played.editions else played.scenario
            run = partial(self._run, engine, scenario)
            ended.append(_in_thread(run) if played.kind == "many" else run())
            if played.asked_after:
                self._ask_after(engine, ended[-1], played.scenario)
            self._worlds.clear()
            if played.size_every and number % played.size_every == 0:
                self._ask("size", executions=number, **_size())
        engine.close()
        if self._other is not None:
            self._other.close()
        self._ask("closed")
        due = _PAUSED if played.kind == "waits" and not played.scenario.signals else "completed"
        due = "cancelled" if cancels else due
        return self._problem or self._status_problem((ended[0], ended[-1]), due)

    def call(self, call: ActivityCall) -> ActivityResult:
        """Serves an activity call, once the parent has read its counters."""
        if self._counted:
            self._calls += 1
            self._ask("call")
            if self._calls == 2 and self._at_call is not None:
                self._at_call()
            if self._asked and self._other is not None:
                self._ask_for(self._other, call.execution_id)
        return self._worlds[call.execution_id].call(call)

    def _run(self, engine: Engine, scenario: Scenario) -> UUID:
        """Runs one execution with all its commands."""
        execution_id = self._new_execution(scenario)
        self._command(lambda: engine.execute(_request(execution_id, scenario)))
        for planned in scenario.signals:
            sent = SignalSent(id=planned.id, name=planned.name, payload=planned.payload)
            self._command(partial(engine.resume, execution_id, sent))
        if scenario.cancel_at_pause is not None and self._other is not None:
            self._command(partial(self._other.cancel, execution_id))
        return execution_id

    def _ask_for(self, other: Engine, execution_id: UUID) -> None:
        """While an execution is inside an activity: another engine asks for it, and is told what it may be told."""
        self._counted = False
        self._ask("beside")
        with contextlib.suppress(Exception):
            other.resume(execution_id)
        self._ask("apart")
        self._counted = True

    def _ask_after(self, engine: Engine, execution_id: UUID, scenario: Scenario) -> None:
        """Asks for an execution that has ended, and for one that nobody has started; what is refused, is refused."""
        sent, unknown = SignalSent(id="s-late", name="late", payload=None), uuid4()
        commands: tuple[Callable[[], object], ...] = (
            partial(engine.execute, _request(execution_id, scenario)),
            partial(engine.resume, execution_id, sent),
            partial(engine.cancel, execution_id),
            partial(engine.journal, execution_id),
            partial(engine.resume, unknown),
            partial(engine.cancel, unknown),
            partial(engine.journal, unknown),
        )
        for command in commands:
            with contextlib.suppress(Exception):
                command()

    def _run_beside(self, scenario: Scenario) -> UUID:
        """While an execution is inside an activity: another one, on an engine of its own."""
        execution_id = self._new_execution(scenario)
        self._counted = False
        self._ask("beside")
        try:
            engine = self._factory(self._context())
            engine.execute(_request(execution_id, scenario))
            engine.close()
        except Exception as error:  # noqa: BLE001 - whatever an engine raises tells that the play told nothing
            self._problem = _told(error)
        self._ask("apart")
        self._counted = True
        return execution_id

    def _play_two(self, played: Rung) -> str:
        """An execution here and one in the second process, at the same time."""
        self._counted = False
        engine = self._factory(self._context())
        execution_id = self._new_execution(played.scenario)
        self._ask("contended")
        self._second.begin(played)
        try:
            engine.execute(_request(execution_id, played.scenario))
            engine.close()
        finally:
            problem = self._second.end()
        self._ask("apart")
        self._ask("closed")
        return problem or self._status_problem((execution_id,), "completed")

    def _command(self, command: Callable[[], None]) -> None:
        self._ask("command")
        command()
        self._ask("done")

    def _new_execution(self, scenario: Scenario) -> UUID:
        execution_id = uuid4()
        self._worlds[execution_id] = World(scenario, self._clock)
        return execution_id

    def _status_problem(self, executions: tuple[UUID, ...], due: str) -> str:
        """Says which execution has not come to what it must come to, by a fresh engine."""
        reader = self._factory(self._context())
        found = [reader.journal(each).execution.status for each in executions]
        reader.close()
        return next((f"an execution ended as {status}, not as {due}" for status in found if status != due), "")

    def _context(self) -> EngineContext:
        return EngineContext(dsn=self._dsn, activities=self, clock=self._clock, log=_unread)

    def _ask(self, moment: str, **beside: int) -> None:
        self._link.ask(json.dumps({"moment": moment, **beside}).encode("ascii"))


class _Second:
    """A process that stands by to play an execution at the same time; ends with this one."""

    def __init__(self, spec: str, dsn: str) -> None:
        here, there = socket.socketpair(type=socket.SOCK_SEQPACKET)  # where two messages never become one
        parent = os.getpid()
        if os.fork() == 0:
            here.close()
            try:
                die_with_parent(signal.SIGKILL, parent)
                _stand_by(there, spec, dsn)
            finally:
                os._exit(0)
        there.close()
        self._line = here

    def begin(self, played: Rung) -> None:
        """Has it begin, once it is ready to."""
        self._line.sendall(played.name.encode("ascii"))
        self._line.recv(_MOST)

    def end(self) -> str:
        """Waits until it has ended; returns why it did not complete the execution."""
        said = self._line.recv(_MOST).decode("utf-8", "replace")
        return said.removeprefix(_SAYS) if said else "the second process is gone"


def _stand_by(line: socket.socket, spec: str, dsn: str) -> None:
    """The life of the second process: one execution for each name that comes."""
    factory = resolve(spec)
    while name := line.recv(_MOST).decode("ascii"):
        scenario = rung(name).companion or rung(name).scenario
        said = ""
        line.sendall(_SAYS.encode("ascii"))
        try:
            clock = VirtualClock()
            engine = factory(EngineContext(dsn=dsn, activities=World(scenario, clock), clock=clock, log=_unread))
            engine.execute(_request(uuid4(), scenario))
            engine.close()
        except Exception as error:  # noqa: BLE001 - whatever an engine raises tells that the play told nothing
            said = _told(error)
        line.sendall(f"{_SAYS}{said}".encode("utf-8", "replace")[:_MOST])


def _request(execution_id: UUID, scenario: Scenario) -> ExecutionRequest:
    return ExecutionRequest(execution_id=execution_id, workflow=scenario.workflow, input=scenario.input)


def _in_thread(run: Callable[[], UUID]) -> UUID:
    """Runs it in a thread of its own, as a pool of threads may: nothing may be kept for each of them."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(run).result()


def _size() -> dict[str, int]:
    """Returns this process's size now, without what nobody refers to any more."""
    gc.collect()
    status = Path("/proc/self/status").read_text(encoding="ascii")
    fields: dict[str, Any] = dict(line.split(":", 1) for line in status.splitlines())
    return {
        "threads": int(fields["Threads"]),
        "descriptors": len(os.listdir("/proc/self/fd")),  # noqa: PTH208 - a list of names is all that is wanted
        "resident_kib": int(fields["VmRSS"].split()[0]),
    }


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:300]


def _unread(_line: str) -> None:
    """What is logged is not looked at here."""
