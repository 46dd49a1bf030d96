"""A user's code, type-checked from outside by `nox -s typing`: an engine, the router, a run, its report."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from uuid import uuid4

from cutover import (
    Assignment,
    CrashReport,
    CutoverError,
    Engine,
    EngineContext,
    EngineFactory,
    EnvironmentFlags,
    ExecutionRequest,
    Flag,
    Report,
    Router,
    assign,
    crash_engine,
    judge_run,
    read_report,
    resolve,
    run_trials,
)
from cutover.engines.api import ActivityNode, Edge, StartNode, Workflow

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


def may_go(folder: Path) -> bool:
    """Returns whether the next share may move, by a run, its verdict read again, and a crash matrix."""
    try:
        report: Report = run_trials(candidate="mine:create", trials=40, folder=folder, postgres="embedded")
    except CutoverError:
        return False
    again = judge_run(folder, stage=10)
    crashes: CrashReport = crash_engine("mine:create", limit=100)
    return report.exit_status == 0 and read_report(folder) == report and again.stage == 10 and crashes.failed == 0
