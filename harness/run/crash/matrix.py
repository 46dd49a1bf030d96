"""Runs the crash matrix of one engine on a server: installs, starts runners, plays, drops. Does I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeAlias

import psycopg

from cutover.harness.record.cases import CaseRecord, CrashCase, CrashTrial, Way
from cutover.harness.record.isolation import Isolation
from cutover.harness.run.crash.plan import Budget, CasePlan
from cutover.harness.run.crash.play import replay_case, run_crashes, run_sample
from cutover.harness.run.crash.runners import Runners
from cutover.harness.run.crash.testbed import TAKEOVER_S
from cutover.harness.run.postgres.dsn import parse_dsn
from cutover.harness.run.postgres.installation import installed, installed_copies
from cutover.harness.run.postgres.outage import OutageProbe
from cutover.harness.run.postgres.room import require_room_for_runners
from cutover.harness.run.postgres.server import Server
from cutover.scenarios.model import Scenario

__all__ = ["DEADLINE_S", "SETTINGS", "Interrupt", "crash_matrix", "interrupting", "places", "replay"]

Interrupt: TypeAlias = Callable[
    [Sequence[Scenario], CasePlan, Callable[[CaseRecord], None], Callable[[Sequence[CrashTrial]], None]], None
]
"""Plays scenarios uninterrupted, tells of that, and then plays every planned case and tells of each."""

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
    isolation: Isolation = Isolation.RUNNER,
) -> list[CrashTrial]:
    """Plays every planned case, in databases that are dropped afterwards; returns the trials with their baselines.

    With a budget it is a sample of as many cases as fit. `digest` is that of `Runners`; `on_baselines` hears of the
    uninterrupted runs before the first case. Raises EnvironmentProblem where the server has too few connections.
    """
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        require_room_for_runners(connection, workers)
    relaxed = Way.RESTART not in plan.ways
    with (
        places(server, plan.engine, workers, isolation, relaxed=relaxed) as (dsns, template),
        OutageProbe(server.dsn) as probe,
        Runners(
            plan.engine,
            dsns,
            deadline_s=deadline_s,
            takeover_s=takeover_s,
            restart=probe.around(server.restart),
            digest=digest,
            template=template,
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
                    [durable],
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


@contextmanager
def interrupting(server: Server, engine: str, *, workers: int, deadline_s: float) -> Iterator[Interrupt]:
    """Yields what plays one matrix after another with an engine, by the same runners; none may restart the server.

    Raises EnvironmentProblem where the server has too few connections.
    """
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        require_room_for_runners(connection, workers)
    with (
        places(server, engine, workers, Isolation.RUNNER, relaxed=True) as (dsns, template),
        OutageProbe(server.dsn) as probe,
        Runners(engine, dsns, deadline_s=deadline_s, takeover_s=TAKEOVER_S, template=template) as runners,
    ):

        def play(
            scenarios: Sequence[Scenario],
            plan: CasePlan,
            on_record: Callable[[CaseRecord], None],
            on_baselines: Callable[[Sequence[CrashTrial]], None],
        ) -> None:
            def keep(record: CaseRecord) -> None:
                probe.check()
                on_record(record)

            run_crashes(runners, scenarios, plan, keep, on_baselines=on_baselines)

        yield play


@contextmanager
def places(
    server: Server, engine: str, runners: int, isolation: Isolation, *, relaxed: bool = False
) -> Iterator[tuple[tuple[str, ...], tuple[str, str] | None]]:
    """Yields the URLs of databases for so many runners, and what they make them anew from, where they do."""
    apart = isolation is Isolation.CASE
    with installed_copies(server, engine, runners + apart, relaxed=relaxed) as dsns:
        yield (dsns[1:], (server.dsn, parse_dsn(dsns[0])["dbname"])) if apart else (dsns, None)


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
        places(server, engine, 1, Isolation.CASE) as (dsns, template),
        Runners(
            engine,
            dsns,
            deadline_s=deadline_s,
            takeover_s=takeover_s,
            restart=server.restart,
            template=template,
        ) as runners,
    ):
        return replay_case(runners, scenario, case)
