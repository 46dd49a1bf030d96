"""V2, through its public contract alone, with a real clock and its log lines thrown away. Does I/O."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from itertools import pairwise
from uuid import UUID, uuid4

from subjects import INPUT, STEPS, Work

from cutover.engines.api import (
    ActivityCall,
    ActivityNode,
    ActivityResult,
    Edge,
    Engine,
    EngineContext,
    ExecutionRequest,
    Node,
    StartNode,
    Workflow,
)
from cutover.engines.registry import resolve

__all__ = ["RECORDED", "Session", "connect", "prepare", "workflow"]

RECORDED = "SELECT count(*) FROM workflow_metrics WHERE status = 'success'"


class _Clock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep_until(self, deadline: datetime) -> None:
        time.sleep(max(0.0, (deadline - self.now()).total_seconds()))


class _Activities:
    """Does the step's work."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def call(self, call: ActivityCall) -> ActivityResult:
        assert isinstance(call.input, dict)
        return ActivityResult(output=self._work(call.input))


def workflow(steps: int) -> Workflow:
    """A chain of that many activity steps; their ids have one length."""
    names = ["start", *(f"s{number:04}" for number in range(1, steps + 1))]
    nodes: tuple[Node, ...] = (StartNode(id="start"), *(ActivityNode(id=name, activity="work") for name in names[1:]))
    edges = tuple(Edge(source=a, target=b) for a, b in pairwise(names))
    return Workflow(id=f"chain-{steps}", nodes=nodes, edges=edges)


class Session:
    """An engine, and the workflow that it runs."""

    def __init__(self, dsn: str, work: Work, steps: int = STEPS) -> None:
        self._workflow = workflow(steps)
        context = EngineContext(dsn=dsn, activities=_Activities(work), clock=_Clock(), log=lambda _: None)
        self.engine: Engine = resolve("v2")(context)

    def run(self) -> None:
        """One execution."""
        self.start(uuid4())

    def start(self, execution_id: UUID) -> None:
        """One execution under this id."""
        self.engine.execute(ExecutionRequest(execution_id=execution_id, workflow=self._workflow, input=INPUT))

    def close(self) -> None:
        """Closes the engine."""
        self.engine.close()


def prepare(dsn: str) -> None:
    """Installs V2's tables."""
    session = Session(dsn, dict)
    session.engine.install()
    session.close()


def connect(dsn: str, number: int, work: Work) -> Session:  # noqa: ARG001 - V2's workers name themselves
    """An engine of its own for each client."""
    return Session(dsn, work)
