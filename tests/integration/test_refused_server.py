"""A server that refuses connections or room: the run ends as the environment's fault, whoever met it first."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from cutover.harness.cli.main import _outcome
from cutover.harness.errors import EnvironmentProblem
from cutover.harness.judge.alike import failed_alike
from cutover.harness.record.cases import Way
from cutover.harness.record.trials import Failure, Trial
from cutover.harness.run.crash.matrix import crash_matrix
from cutover.harness.run.crash.plan import CasePlan
from cutover.harness.run.postgres.outage import OutageProbe
from cutover.harness.run.postgres.room import (
    Room,
    needed,
    require_room,
    require_room_for_runners,
    room_of,
    runners_that_fit,
)
from cutover.harness.run.postgres.server import Server, provision
from cutover.harness.run.trials.shadow import run_trials
from cutover.scenarios.catalog import load_catalog

SCENARIO = next(each for each in load_catalog() if each.id == "01-one-activity")
CLIENTS = "53300: sorry, too many clients already"


@pytest.fixture(scope="module")
def small() -> Iterator[Server]:
    with provision(mode="embedded", settings={"max_connections": "10"}) as server:
        yield server


def test_the_room_counts_our_sessions_and_others(server: Server) -> None:
    with psycopg.connect(server.dsn, autocommit=True) as one:
        before = room_of(one)
        database = server.create_database()
        with psycopg.connect(database.dsn), psycopg.connect(server.dsn):
            after = room_of(one)
        database.drop()
    assert after.ours == before.ours + 1
    assert after.others >= before.others + 1
    assert after.most == before.most


@pytest.mark.parametrize(("workers", "needs"), [(1, 15), (2, 24), (8, 78)])
def test_a_worker_of_trials_has_nine_sessions(workers: int, needs: int) -> None:
    assert needed(workers) == needs


def test_a_runner_of_crash_cases_has_five_sessions(small: Server) -> None:
    with (
        psycopg.connect(small.dsn, autocommit=True) as connection,
        pytest.raises(
            EnvironmentProblem, match=r"^Postgres allows 10 connections, \d are free, and this run needs 26: raise"
        ),
    ):
        require_room_for_runners(connection, 4)


def test_a_run_has_as_many_runners_as_fit(server: Server, small: Server) -> None:
    with psycopg.connect(server.dsn, autocommit=True) as many, psycopg.connect(small.dsn, autocommit=True) as few:
        assert (runners_that_fit(many, 6), runners_that_fit(few, 6)) == (6, 1)


def test_what_is_free_is_never_less_than_nothing() -> None:
    assert Room(most=10, ours=3, others=4).free == 3
    assert Room(most=10, ours=8, others=4).free == 0


def test_a_server_without_enough_connections_is_told_before_anything_runs(small: Server) -> None:
    with (
        psycopg.connect(small.dsn, autocommit=True) as connection,
        pytest.raises(EnvironmentProblem, match=r"allows 10 connections, \d are free, and this run needs 24: raise"),
    ):
        require_room(connection, 2)


def test_what_the_control_or_the_harness_met_is_the_environments(server: Server) -> None:
    with OutageProbe(server.dsn) as probe:
        for role in ("control", None):
            with pytest.raises(EnvironmentProblem, match="refused what every engine needs"):
                probe.refused("EMFILE: Too many open files", role, 1)


def test_what_only_the_candidate_met_is_its_own_where_there_is_room(server: Server) -> None:
    with OutageProbe(server.dsn) as probe:
        probe.refused(CLIENTS, "candidate", 1)


def test_a_full_disk_is_never_the_candidates(server: Server) -> None:
    with OutageProbe(server.dsn) as probe, pytest.raises(EnvironmentProblem, match="53100"):
        probe.refused("53100: could not extend file", "candidate", 1)


def test_a_candidate_without_a_connection_is_not_blamed_on_a_server_that_is_too_small(small: Server) -> None:
    with OutageProbe(small.dsn) as probe, pytest.raises(EnvironmentProblem, match="too many clients"):
        probe.refused(CLIENTS, "candidate", 2)


def test_a_candidate_is_not_blamed_where_our_own_session_is_refused_too(server: Server) -> None:
    role = "crowded"
    with psycopg.connect(server.dsn, autocommit=True) as admin:
        name = sql.Identifier(role)
        admin.execute(sql.SQL("CREATE ROLE {} LOGIN CONNECTION LIMIT 1").format(name))
        try:
            dsn = psycopg.conninfo.make_conninfo(server.dsn, user=role)
            with OutageProbe(dsn) as probe, pytest.raises(EnvironmentProblem, match="too many clients"):
                probe.refused(CLIENTS, "candidate", 1)
        finally:
            admin.execute(sql.SQL("DROP ROLE {}").format(name))


REFUSED = """
import errno

import psycopg

from cutover.engines.registry import resolve


def _raising(error):
    def factory(context):
        class Engine:
            name = "v2"

            def __init__(self):
                self._engine = resolve("v2")(context)

            def __getattr__(self, attribute):
                return getattr(self._engine, attribute)

            def execute(self, request):
                raise RuntimeError("cannot go on") from error

            def resume(self, execution_id, signal=None):
                raise RuntimeError("cannot go on") from error

        return Engine()

    return factory


crowded = _raising(psycopg.OperationalError("FATAL:  sorry, too many clients already"))
full = _raising(psycopg.errors.DiskFull("could not extend file"))
leaking = _raising(OSError(errno.EMFILE, "Too many open files"))
"""


@pytest.fixture
def refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A module `refused_engines`, whose engines are refused something whenever they are to do something."""
    (tmp_path / "refused_engines.py").write_text(REFUSED, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop("refused_engines", None)


def trials(server: Server, *, control: str = "v2", candidate: str = "v2") -> list[Trial]:
    found: list[Trial] = []
    run_trials(
        [SCENARIO],
        control=control,
        candidate=candidate,
        server=server,
        workers=1,
        on_trial=lambda recorded: found.append(recorded.trial),
    )
    return found


@pytest.mark.usefixtures("refused")
@pytest.mark.parametrize("engine", ["crowded", "full", "leaking"])
def test_what_the_control_is_refused_ends_the_run(server: Server, engine: str) -> None:
    with pytest.raises(EnvironmentProblem, match=r"refused what every engine needs \((53300|53100|EMFILE): "):
        trials(server, control=f"refused_engines:{engine}")


@pytest.mark.usefixtures("refused")
def test_a_candidate_on_a_full_disk_ends_the_run_too(server: Server) -> None:
    with pytest.raises(EnvironmentProblem, match="53100"):
        trials(server, candidate="refused_engines:full")


@pytest.mark.usefixtures("refused")
def test_a_candidate_that_alone_uses_up_what_there_is_has_failed(server: Server) -> None:
    [trial] = trials(server, candidate="refused_engines:leaking")
    failures = {arm: record.failure for arm, record in trial.arms.items()}
    assert failures["control"] is None
    assert failures["candidate"] is not None
    assert "refused_engines.py" in failures["candidate"].trace
    assert replace(failures["candidate"], trace="") == Failure(
        kind="exception", type="RuntimeError", message="cannot go on", refused="EMFILE: [Errno 24] Too many open files"
    )
    assert not failed_alike(trial)


@pytest.mark.usefixtures("refused")
def test_a_crash_case_without_a_connection_is_not_the_engines(server: Server) -> None:
    with pytest.raises(EnvironmentProblem, match=r"01-one-activity: .*refused what every engine needs \(53300"):
        crash_matrix(
            server,
            [SCENARIO],
            CasePlan(engine="refused_engines:crowded", ways=(Way.ONCE,), seed=1, limit=1),
            workers=1,
            on_record=lambda _record: None,
            on_planned=lambda _count: None,
        )


def test_the_command_says_it_in_one_sentence_and_leaves_with_4(
    small: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["run", "--trials", "1", "--workers", "1", "--postgres", small.dsn, "--out", str(tmp_path / "run"), "-q"]
    assert _outcome(asked) == 4
    told = capsys.readouterr()
    assert told.out == ""
    assert "allows 10 connections" in told.err
    assert told.err.count("\n") == 1
