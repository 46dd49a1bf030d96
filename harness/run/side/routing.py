"""Starts and resumes executions through a router while its flag changes, and notes which engine served. Does I/O."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import chain, cycle, islice
from typing import Literal, Protocol

from cutover.engines.api import (
    Edge,
    Engine,
    ExecutionRequest,
    Journal,
    Signal,
    StartNode,
    WaitNode,
    Workflow,
)
from cutover.engines.capabilities import lacks_of
from cutover.engines.errors import PayloadRefused, WorkflowRefused
from cutover.engines.flags import PERCENT, SWITCH, EnvironmentFlags
from cutover.engines.registry import resolve
from cutover.engines.router import SALT, Router, assign
from cutover.harness.record.routing import Routed
from cutover.harness.run.world.engine import idle

__all__ = ["EXECUTIONS", "RouterFactory", "own_router", "run_routing"]

_PAUSES = Workflow(
    id="routed",
    nodes=(StartNode(id="start"), WaitNode(id="wait", signal="go")),
    edges=(Edge(source="start", target="wait"),),
)
_SWITCHES = ("true", "false", None, "", "TRUE", "True", "1", "yes", "on", "0", "no", "null")
_PERCENTS = ("0", "10", "50", "100")
_STARTS = ("10", "50", "10", "50", "0", "100")
"""The shares at which executions start, in turns; those that split are more telling than those that do not."""
EXECUTIONS = 240
"""How many tell of the split at all shares: some 75 start at 10 %, as many at 50 %."""


class RouterFactory(Protocol):
    """Makes the router under test from both engines, the variables that its flag is in, and the database."""

    def __call__(self, control: Engine, candidate: Engine, environ: Mapping[str, str], dsn: str, /) -> Engine:
        """Returns the router."""


def own_router(control: Engine, candidate: Engine, environ: Mapping[str, str], dsn: str) -> Router:
    """Returns the project's router, as it ships."""
    return Router(control=control, candidate=candidate, flags=EnvironmentFlags(environ), dsn=dsn)


def run_routing(
    factory: RouterFactory,
    dsn: str,
    *,
    ids: Sequence[uuid.UUID],
    control: str = "v1",
    candidate: str = "v2",
    on_execution: Callable[[], None] = lambda: None,
) -> tuple[Routed, ...]:
    """Returns which engine served each execution: at every value of the switch, at several shares, and later.

    `dsn` is a database in which both engines are installed; no execution of these `ids` may be in it. What an engine
    makes of a command is not the question here, only which engine was given it. `on_execution` is called whenever one
    has been started or resumed.
    """
    context = idle(dsn, "the routing")
    first = resolve(control)(context)
    if control == candidate and "one_per_process" in lacks_of(first):
        raise ValueError(f"engine {control!r} is one of which a process holds one, so two are not behind one router")
    asked: dict[uuid.UUID, list[Literal["control", "candidate"]]] = {}
    refused: set[uuid.UUID] = set()
    environ: dict[str, str] = {}
    router = factory(
        _Noted("control", first, asked, refused),
        _Noted("candidate", resolve(candidate)(context), asked, refused),
        environ,
        dsn,
    )
    router.install()
    turns = chain(((switch, "100") for switch in _SWITCHES), (("true", share) for share in cycle(_STARTS)))
    flags = list(islice(turns, len(ids)))
    for (switch, percent), execution_id in zip(flags, ids, strict=True):
        _set(environ, switch, percent)
        _start(router, execution_id)
        on_execution()
    for (switch, _), execution_id in zip(flags, ids, strict=True):
        if execution_id in refused:
            continue
        _set(environ, "false" if switch == "true" else "true", "100")
        _start(router, execution_id)
        with suppress(Exception):
            router.resume(execution_id, Signal(id="s-1", name="go"))
        on_execution()
    router.close()
    return tuple(
        Routed(
            execution_id=execution_id,
            salt=SALT,
            switch=switch,
            percent=percent,
            served=tuple(asked.get(execution_id, ())),
            climb=_climb(execution_id),
            refused=execution_id in refused,
        )
        for (switch, percent), execution_id in zip(flags, ids, strict=True)
    )


def _start(router: Engine, execution_id: uuid.UUID) -> None:
    with suppress(Exception):
        router.execute(ExecutionRequest(execution_id=execution_id, workflow=_PAUSES, input=None))


def _climb(execution_id: uuid.UUID) -> tuple[tuple[str, Literal["control", "candidate"]], ...]:
    """Returns on which engine the execution would start at each share, were it not pinned yet."""
    shares = ((share, EnvironmentFlags({SWITCH: "true", PERCENT: share}).read()) for share in _PERCENTS)
    return tuple((share, assign(execution_id, flag).role) for share, flag in shares)


def _set(environ: dict[str, str], switch: str | None, percent: str) -> None:
    environ.clear()
    environ[PERCENT] = percent
    if switch is not None:
        environ[SWITCH] = switch


class _Noted:
    """An engine that notes which executions it was asked to serve, and which of them it refused to begin."""

    def __init__(
        self,
        role: Literal["control", "candidate"],
        engine: Engine,
        asked: dict[uuid.UUID, list[Literal["control", "candidate"]]],
        refused: set[uuid.UUID],
    ) -> None:
        self.name = engine.name
        self._role, self._engine, self._asked, self._refused = role, engine, asked, refused

    def install(self) -> None:
        self._engine.install()

    def execute(self, request: ExecutionRequest) -> None:
        self._note(request.execution_id)
        try:
            self._engine.execute(request)
        except (PayloadRefused, WorkflowRefused):
            self._refused.add(request.execution_id)
            raise

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
