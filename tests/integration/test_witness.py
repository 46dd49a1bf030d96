"""The witness: a cut that nobody planned is told, one that was planned is not."""

from __future__ import annotations

import threading

import psycopg
import pytest

from cutover.harness.errors import EnvironmentProblem
from cutover.harness.run.postgres.outage import OutageProbe
from cutover.harness.run.postgres.server import Server


def cut(server: Server) -> None:
    with psycopg.connect(server.dsn) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
            " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )


def test_a_cut_is_told_and_stays_told(server: Server) -> None:
    with OutageProbe(server.dsn) as witness:
        witness.check()
        cut(server)
        for _ in range(2):
            with pytest.raises(EnvironmentProblem, match="Postgres cut its connections while engines worked"):
                witness.check()


def test_a_planned_restart_is_no_cut_and_who_checks_meanwhile_waits_for_its_end(server: Server) -> None:
    problems: list[EnvironmentProblem] = []

    def check() -> None:
        try:
            witness.check()
        except EnvironmentProblem as problem:
            problems.append(problem)

    checking = threading.Thread(target=check)

    def restart() -> None:
        cut(server)
        checking.start()
        checking.join(0.2)

    with OutageProbe(server.dsn) as witness:
        expected = witness.around(restart)
        assert expected is not None
        expected()
        checking.join()
        witness.check()
    assert problems == []


def test_a_cut_before_a_planned_restart_is_told(server: Server) -> None:
    with OutageProbe(server.dsn) as witness:
        expected = witness.around(lambda: None)
        assert expected is not None
        cut(server)
        with pytest.raises(EnvironmentProblem):
            expected()


def test_where_nothing_can_be_restarted_there_is_nothing_to_expect(server: Server) -> None:
    with OutageProbe(server.dsn) as witness:
        assert witness.around(None) is None
