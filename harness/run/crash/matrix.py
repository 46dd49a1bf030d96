"""Runs the crash matrix of one engine on a server: installs, starts runners, plays, drops. Does I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import psycopg

from cutover.harness.record.cases import CaseRecord, CrashCase, CrashTrial, Way
from cutover.harness.run.crash.plan import Budget, CasePlan
from cutover.harness.run.crash.play import replay_case, run_crashes, run_sample
from cutover.harness.run.crash.runners import Runners
from cutover.harness.run.crash.testbed import TAKEOVER_S
from cutover.harness.run.postgres.installation import installed
from cutover.harness.run.postgres.outage import OutageProbe
from cutover.harness.run.postgres.room import require_room_for_runners
from cutover.harness.run.postgres.server import Server
from cutover.scenarios.model import Scenario

__all__ = ["DEADLINE_S", "SETTINGS", "crash_matrix", "replay"]

DEADLINE_S = 20.0
"""Real time that one command to an engine may take."""
SETTINGS = {"fsync": "off", "max_connections": "200"}
"""For servers that we start: a killed client, or a server stopped with immediate, loses nothing that the kernel has."""


def crash_matrix(
    server: Server,
    scenarios: Sequence[Scenario],
    plan: CasePlan,
    *,
    workers: int,
    on_record: Callable[[CaseRecord], None],
    on_planned: Callable[[int], None],
    on_baselines: Callable[[Sequence[CrashTrial]], None] = lambda _trials: None,
    deadline_s: float = DEADLINE_S,
    takeover_s: float = TAKEOVER_S,
    budget: Budget | None = None,
    digest: str | None = None,
) -> list[CrashTrial]:
    """Plays every planned case, in a database that is dropped afterwards; returns the trials with their baselines.

    With a budget it is a sample of as many cases as fit. `digest` is that of `Runners`; `on_baselines` hears of the
    uninterrupted runs before the first case. Raises EnvironmentProblem where the server has too few connections.
    """
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        require_room_for_runners(connection, workers)
    with (
        installed(server, plan.engine, relaxed=Way.RESTART not in plan.ways) as dsn,
        OutageProbe(server.dsn) as probe,
        Runners(
            plan.engine,
            dsn,
            count=workers,
            deadline_s=deadline_s,
            takeover_s=takeover_s,
            restart=probe.around(server.restart),
            digest=digest,
        ) as runners,
    ):

        def keep(record: CaseRecord) -> None:
            probe.check()
            on_record(record)

        if budget is None:
            return run_crashes(runners, scenarios, plan, keep, on_planned, on_baselines=on_baselines)

        @contextmanager
        def restarting() -> Iterator[Runners]:
            """A database that waits for the disk at each commit, and one runner that works on it."""
            with (
                installed(server, plan.engine) as durable,
                Runners(
                    plan.engine,
                    durable,
                    count=1,
                    deadline_s=deadline_s,
                    takeover_s=takeover_s,
                    restart=probe.around(server.restart),
                ) as alone,
            ):
                yield alone

        return run_sample(
            runners,
            scenarios,
            plan,
            on_record=keep,
            on_planned=on_planned,
            on_baselines=on_baselines,
            budget=budget,
            restarting=restarting if server.restart is not None else None,
        )


def replay(
    server: Server,
    scenario: Scenario,
    case: CrashCase,
    engine: str,
    *,
    deadline_s: float = DEADLINE_S,
    takeover_s: float = TAKEOVER_S,
) -> CaseRecord:
    """Plays one case again."""
    with (
        installed(server, engine) as dsn,
        Runners(engine, dsn, count=1, deadline_s=deadline_s, takeover_s=takeover_s, restart=server.restart) as runners,
    ):
        return replay_case(runners, scenario, case)
