"""A user's code, type-checked from outside by `nox -s typing`: an engine of one's own, and the router."""

from __future__ import annotations

from decimal import Decimal
from uuid import uuid4

from cutover.engines.api import (
    ActivityNode,
    Edge,
    Engine,
    EngineContext,
    EngineFactory,
    ExecutionRequest,
    StartNode,
    Workflow,
)
from cutover.engines.flags import EnvironmentFlags, Flag
from cutover.engines.registry import resolve
from cutover.engines.router import Assignment, Router, assign

WORKFLOW = Workflow(
    id="ship",
    nodes=(StartNode(id="start"), ActivityNode(id="ship", activity="ship")),
    edges=(Edge(source="start", target="ship"),),
)


def create(context: EngineContext) -> Engine:
    """Returns the candidate, as a factory of one's own would."""
    candidate: Engine = resolve("v2")(context)
    return candidate


FACTORY: EngineFactory = create


def route(context: EngineContext) -> Assignment:
    """Runs one execution behind the flag."""
    router = Router(
        control=resolve("v1")(context), candidate=create(context), flags=EnvironmentFlags(), dsn=context.dsn
    )
    request = ExecutionRequest(execution_id=uuid4(), workflow=WORKFLOW, input={"order": 1})
    router.execute(request)
    router.close()
    return assign(request.execution_id, Flag(enabled=True, percent=Decimal(10)))
