"""Starts and resumes executions through a router while its flag changes, and notes who served them. Does I/O."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from contextlib import suppress
from typing import Literal, Protocol

from engines.api import (
    ActivityCall,
    ActivityResult,
    Edge,
    Engine,
    EngineContext,
    ExecutionRequest,
    Journal,
    Signal,
    StartNode,
    WaitNode,
    Workflow,
)
from engines.errors import ActivityError
from engines.flags import PERCENT, SWITCH
from engines.registry import resolve
from engines.router import SALT
from harness.judge.flag import Routed
from harness.run.clock import VirtualClock

__all__ = ["RouterFactory", "run_routing"]

_PAUSES = Workflow(
    id="routed",
    nodes=(StartNode(id="start"), WaitNode(id="wait", signal="go")),
    edges=(Edge(source="start", target="wait"),),
)
_SWITCHES = ("true", "false", None, "", "TRUE", "True", "1", "yes", "on", "0", "no", "null")
_PERCENTS = ("0", "10", "50", "100")
_AT_EACH = 12
"""Executions started at each share."""


class RouterFactory(Protocol):
    """Makes the router under test from both engines, the variables that its flag is in, and the database."""

    def __call__(self, control: Engine, candidate: Engine, environ: Mapping[str, str], dsn: str, /) -> Engine:
        """The router."""


def run_routing(factory: RouterFactory, dsn: str, *, control: str = "v1", candidate: str = "v2") -> tuple[Routed, ...]:
    """Who served each of some executions: at every value of the switch, at several shares, under another flag later.

    `dsn` is a database in which both engines are installed.
    """
    context = EngineContext(dsn=dsn, activities=_Nobody(), clock=VirtualClock(), log=lambda _line: None)
    asked: dict[uuid.UUID, list[Literal["control", "candidate"]]] = {}
    environ: dict[str, str] = {}
    router = factory(
        _Noted("control", resolve(control)(context), asked),
        _Noted("candidate", resolve(candidate)(context), asked),
        environ,
        dsn,
    )
    flags = [*((switch, "100") for switch in _SWITCHES), *(("true", share) for share in _PERCENTS * _AT_EACH)]
    started = [_start(router, environ, switch, percent) for switch, percent in flags]
    for (switch, _), execution_id in zip(flags, started, strict=True):
        _set(environ, "false" if switch == "true" else "true", "100")
        with suppress(Exception):  # what a wrongly chosen engine makes of it is not the question here
            router.resume(execution_id, Signal(id="s-1", name="go"))
    router.close()
    return tuple(
        Routed(
            execution_id=execution_id,
            salt=SALT,
            switch=switch,
            percent=percent,
            served=tuple(asked.get(execution_id, ())),
        )
        for (switch, percent), execution_id in zip(flags, started, strict=True)
    )


def _start(router: Engine, environ: dict[str, str], switch: str | None, percent: str) -> uuid.UUID:
    _set(environ, switch, percent)
    execution_id = uuid.uuid4()
    router.execute(ExecutionRequest(execution_id=execution_id, workflow=_PAUSES, input=None))
    return execution_id


def _set(environ: dict[str, str], switch: str | None, percent: str) -> None:
    environ.clear()
    environ[PERCENT] = percent
    if switch is not None:
        environ[SWITCH] = switch


class _Noted:
    """An engine that notes which executions it was asked to serve."""

    def __init__(
        self,
        role: Literal["control", "candidate"],
        engine: Engine,
        asked: dict[uuid.UUID, list[Literal["control", "candidate"]]],
    ) -> None:
        self.name = engine.name
        self._role, self._engine, self._asked = role, engine, asked

    def install(self) -> None:
        self._engine.install()

    def execute(self, request: ExecutionRequest) -> None:
        self._note(request.execution_id)
        self._engine.execute(request)

    def resume(self, execution_id: uuid.UUID, signal: Signal | None = None) -> None:
        self._note(execution_id)
        self._engine.resume(execution_id, signal)

    def cancel(self, execution_id: uuid.UUID) -> None:
        self._note(execution_id)
        self._engine.cancel(execution_id)

    def journal(self, execution_id: uuid.UUID) -> Journal:
        return self._engine.journal(execution_id)

    def close(self) -> None:
        self._engine.close()

    def _note(self, execution_id: uuid.UUID) -> None:
        self._asked.setdefault(execution_id, []).append(self._role)


class _Nobody:
    def call(self, call: ActivityCall) -> ActivityResult:
        raise ActivityError(f"step {call.step_id} was called, and there is no activity here", retryable=False)
