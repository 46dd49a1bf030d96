"""Runs the crash matrix of one engine on a server: installs, starts runners, plays, drops. Does I/O."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from engines.api import ActivityCall, ActivityResult, EngineContext
from engines.errors import ActivityError
from engines.registry import resolve
from harness.judge.cases import Case, CaseRecord, CrashTrial
from harness.run.clock import EPOCH, VirtualClock
from harness.run.crash_plan import Plan
from harness.run.crashes import replay_case, run_crashes, run_sample
from harness.run.postgres import Server
from harness.run.runners import Runners
from harness.run.stage import TAKEOVER_S
from scenarios.model import Scenario

__all__ = ["DEADLINE_S", "SETTINGS", "crash_matrix", "replay"]

DEADLINE_S = 20.0
"""Real time that one command to an engine may take."""
SETTINGS = {"fsync": "off", "max_connections": "200"}
"""For servers that we start: a killed client, or a server stopped with immediate, loses nothing that the kernel has."""


def crash_matrix(
    server: Server,
    scenarios: Sequence[Scenario],
    plan: Plan,
    *,
    workers: int,
    on_record: Callable[[CaseRecord], None],
    on_planned: Callable[[int], None],
    deadline_s: float = DEADLINE_S,
    takeover_s: float = TAKEOVER_S,
    budget_s: float | None = None,
) -> list[CrashTrial]:
    """Every planned case, in a database of its own that is dropped afterwards; the trials have the baselines.

    With a budget (real time, s) it is a sample of as many cases as fit.
    """
    database = server.create_database()
    try:
        _install(plan.engine, database.dsn)
        with Runners(
            plan.engine,
            database.dsn,
            count=workers,
            deadline_s=deadline_s,
            takeover_s=takeover_s,
            restart=server.restart,
        ) as runners:
            if budget_s is None:
                return run_crashes(runners, scenarios, plan, on_record, on_planned)
            return run_sample(runners, scenarios, plan, on_record=on_record, on_planned=on_planned, budget_s=budget_s)
    finally:
        database.drop()


def replay(
    server: Server,
    scenario: Scenario,
    case: Case,
    engine: str,
    *,
    deadline_s: float = DEADLINE_S,
    takeover_s: float = TAKEOVER_S,
) -> CaseRecord:
    """One case once more."""
    database = server.create_database()
    try:
        _install(engine, database.dsn)
        with Runners(
            engine, database.dsn, count=1, deadline_s=deadline_s, takeover_s=takeover_s, restart=server.restart
        ) as runners:
            return replay_case(runners, scenario, case)
    finally:
        database.drop()


def _install(engine: str, dsn: str) -> None:
    made = resolve(engine)(
        EngineContext(dsn=dsn, activities=_Nobody(), clock=VirtualClock(EPOCH), log=lambda _line: None)
    )
    made.install()
    made.close()


class _Nobody:
    def call(self, call: ActivityCall) -> ActivityResult:
        raise ActivityError(f"step {call.step_id} was called while the tables were installed", retryable=False)
