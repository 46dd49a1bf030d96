"""Routers over one database that stop where a test says, and a ledger of what their engines did outside."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID, uuid4

import psycopg
from psycopg.conninfo import make_conninfo

from cutover.engines.api import (
    ActivityCall,
    ActivityNode,
    ActivityResult,
    Edge,
    Engine,
    EngineContext,
    ExecutionRequest,
    Journal,
    Signal,
    StartNode,
    Workflow,
)
from cutover.engines.errors import EngineError
from cutover.engines.flags import Flag
from cutover.engines.registry import resolve
from cutover.engines.roles import Role
from cutover.engines.router import Router
from cutover.harness.run.world.clock import VirtualClock

__all__ = ["CHARGE", "Attempt", "Ledger", "Process", "ask"]

CHARGE = Workflow(
    id="charge",
    nodes=(
        StartNode(id="start"),
        ActivityNode(id="charge", activity="charge"),
        ActivityNode(id="ship", activity="ship"),
    ),
    edges=(Edge(source="start", target="charge"), Edge(source="charge", target="ship")),
)
_WAIT_S = 60


def ask(execution_id: UUID | None = None, workflow: Workflow = CHARGE) -> ExecutionRequest:
    """Returns a request for an execution."""
    return ExecutionRequest(execution_id=execution_id or uuid4(), workflow=workflow, input=1)


class Ledger:
    """What was done outside: an effect a key, or a call where there is no key; and which role's engine called."""

    def __init__(self) -> None:
        self.effects: dict[UUID, Counter[str]] = defaultdict(Counter)
        self.roles: dict[UUID, set[Role]] = defaultdict(set)
        self._keys: set[str] = set()
        self._lock = threading.Lock()

    def note(self, role: Role, call: ActivityCall) -> None:
        """Applies the effect, unless its key has been seen."""
        with self._lock:
            self.roles[call.execution_id].add(role)
            if call.idempotency_key is None or call.idempotency_key not in self._keys:
                self.effects[call.execution_id][call.step_id] += 1
            if call.idempotency_key is not None:
                self._keys.add(call.idempotency_key)


@dataclass
class Halt:
    """A point at which a process stands still until it is let go, once."""

    point: str
    reached: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)

    def at(self, point: str) -> None:
        """Stands still where this is the point."""
        if point == self.point and not self.reached.is_set():
            self.reached.set()
            assert self.released.wait(_WAIT_S)


class Process:
    """A router with engines and sessions of its own, as another process has them; its flag is what `percent` says.

    It passes the points `flag` (the flag is being read), `decided` (the pin is written, the engine not yet asked) and
    `activity` (inside the first activity).
    """

    def __init__(
        self,
        name: str,
        dsn: str,
        ledger: Ledger,
        clock: VirtualClock,
        engine: Callable[[str, EngineContext], Engine] = lambda spec, context: resolve(spec)(context),
    ) -> None:
        self.name = name
        self.percent = 0
        self.halt = Halt("")
        self._dsn = dsn
        self._ledger = ledger
        engines: dict[Role, Engine] = {}
        specs: dict[Role, str] = {"control": "v1", "candidate": "v2"}
        for role, spec in specs.items():
            context = EngineContext(
                dsn=make_conninfo(dsn, application_name=f"{name}-engine"),
                activities=_Outside(self, role),
                clock=clock,
                log=lambda _line: None,
            )
            engines[role] = _Halted(self, engine(spec, context))
        self.router = Router(
            control=engines["control"],
            candidate=engines["candidate"],
            flags=self,
            dsn=make_conninfo(dsn, application_name=f"{name}-router"),
        )

    def read(self) -> Flag:
        """The flag as it is when it is asked, which is before the halt."""
        flag = Flag(enabled=True, percent=Decimal(self.percent))
        self.halt.at("flag")
        return flag

    def called(self, role: Role, call: ActivityCall) -> None:
        """Takes an activity call of one of the engines."""
        self._ledger.note(role, call)
        self.halt.at("activity")

    def cut(self, *, engines: bool = False) -> None:
        """Ends the sessions of the router, and those of its engines too, at the server."""
        names = [f"{self.name}-router", f"{self.name}-engine"][: 1 + engines]
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid, 20000) FROM pg_stat_activity WHERE application_name = ANY (%s)",
                (names,),
            )


class Attempt:
    """One start by a process, in a thread; it stands at its halt, or is over, when this is made."""

    def __init__(self, process: Process, request: ExecutionRequest, *, percent: int, point: str = "") -> None:
        self.error: Exception | None = None
        self.halt = process.halt = Halt(point)
        process.percent = percent
        self._process = process
        self._request = request
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        while self._thread.is_alive() and not self.halt.reached.wait(0.005):
            pass

    def end(self) -> Exception | None:
        """Lets it go on to its end; returns the error that it ended with."""
        self.halt.released.set()
        self._thread.join(_WAIT_S)
        assert not self._thread.is_alive()
        return self.error

    def _run(self) -> None:
        try:
            self._process.router.execute(self._request)
        except (EngineError, psycopg.Error) as error:
            self.error = error


class _Outside:
    def __init__(self, process: Process, role: Role) -> None:
        self._process, self._role = process, role

    def call(self, call: ActivityCall) -> ActivityResult:
        self._process.called(self._role, call)
        return ActivityResult(output="done")


class _Halted:
    """An engine that is asked a moment later than the router thinks."""

    def __init__(self, process: Process, engine: Engine) -> None:
        self.name = engine.name
        self._process, self._engine = process, engine

    def install(self) -> None:
        self._engine.install()

    def execute(self, request: ExecutionRequest) -> None:
        self._process.halt.at("decided")
        self._engine.execute(request)

    def resume(self, execution_id: UUID, signal: Signal | None = None) -> None:
        self._engine.resume(execution_id, signal)

    def cancel(self, execution_id: UUID) -> None:
        self._engine.cancel(execution_id)

    def journal(self, execution_id: UUID) -> Journal:
        return self._engine.journal(execution_id)

    def close(self) -> None:
        self._engine.close()
