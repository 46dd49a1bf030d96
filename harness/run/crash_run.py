"""Runs the crash matrix of one engine on a server: installs, starts runners, plays, drops. Does I/O."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence

import psycopg
from psycopg import sql

from engines.api import EngineContext
from engines.registry import resolve
from harness.errors import EnvironmentProblem
from harness.judge.cases import Case, CaseRecord, CrashTrial, Way
from harness.run.clock import EPOCH, VirtualClock
from harness.run.crash_plan import Plan
from harness.run.crashes import replay_case, run_crashes, run_sample
from harness.run.nobody import Nobody
from harness.run.postgres import Database, Server
from harness.run.proxy import refuse_encrypted
from harness.run.runners import Runners
from harness.run.stage import TAKEOVER_S
from harness.run.witness import Witness
from scenarios.model import Scenario

__all__ = ["DEADLINE_S", "SETTINGS", "crash_matrix", "installed", "replay"]

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
    with (
        installed(server, plan.engine, relaxed=Way.RESTART not in plan.ways) as dsn,
        Witness(server.dsn) as witness,
        Runners(
            plan.engine,
            dsn,
            count=workers,
            deadline_s=deadline_s,
            takeover_s=takeover_s,
            restart=witness.around(server.restart),
        ) as runners,
    ):

        def keep(record: CaseRecord) -> None:
            witness.check()
            on_record(record)

        if budget_s is None:
            return run_crashes(runners, scenarios, plan, keep, on_planned)
        return run_sample(runners, scenarios, plan, on_record=keep, on_planned=on_planned, budget_s=budget_s)


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
    with (
        installed(server, engine) as dsn,
        Runners(engine, dsn, count=1, deadline_s=deadline_s, takeover_s=takeover_s, restart=server.restart) as runners,
    ):
        return replay_case(runners, scenario, case)


@contextlib.contextmanager
def installed(server: Server, engine: str, *, relaxed: bool = False) -> Iterator[str]:
    """A database of its own with the engine's tables, dropped afterwards; yields its URL.

    A relaxed one does not wait for the disk at each commit, which only a death of the server itself could tell.
    Whatever goes wrong when the server no longer answers is the environment's fault: raises EnvironmentProblem.
    """
    refuse_encrypted(server.dsn)
    database = server.create_database()
    try:
        if relaxed:
            _relax(server, database)
        _install(engine, server, database)
        yield database.dsn
    except Exception:
        server.check()
        raise
    finally:
        with contextlib.suppress(psycopg.OperationalError):  # where the server is gone, so is the database
            database.drop()


def _install(engine: str, server: Server, database: Database) -> None:
    try:
        made = resolve(engine)(
            EngineContext(
                dsn=database.dsn,
                activities=Nobody("the installation"),
                clock=VirtualClock(EPOCH),
                log=lambda _line: None,
            )
        )
        made.install()
        made.close()
    except Exception as error:
        raise EnvironmentProblem(
            f"engine {engine!r} could not be installed on {server.description} ({type(error).__name__}: {error}); "
            "mend the engine or give another --postgres"
        ) from error


def _relax(server: Server, database: Database) -> None:
    statement = sql.SQL("ALTER DATABASE {} SET synchronous_commit = off").format(sql.Identifier(database.name))
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        connection.execute(statement)
