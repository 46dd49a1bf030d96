"""The bare probe on a real server: what it reads, when, and that nothing of it is left."""

from __future__ import annotations

import psycopg
import pytest

from cutover.harness.run.machine.probe import MachineProbe
from cutover.harness.run.machine.watch import MachineWatch
from cutover.harness.run.postgres.server import Server


def sessions(server: Server) -> int:
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
        ).fetchone()
    assert row is not None
    return int(row[0])


def test_a_reading_has_a_time_of_everything_and_counts_connections(server: Server) -> None:
    with MachineProbe(server.dsn) as probe:
        before = probe.read("before")
        with psycopg.connect(server.dsn):
            between = probe.read("between", "trials")
    assert min(before.round_trip_ms, before.commit_ms, before.fork_ms) > 0
    assert before.delay_ms >= 0
    assert (before.moment, before.part, between.moment, between.part) == ("before", "", "between", "trials")
    assert between.connections_free == before.connections_free - 1


def test_readings_come_before_between_and_after_and_each_is_taken_once(server: Server) -> None:
    held = sessions(server)
    with MachineWatch(server.dsn) as watch:
        watch.part = "trials"
        assert [each.moment for each in watch.before] == ["before"] * 10
        taken = list(watch.take())
        while not any(each.moment == "between" for each in taken):
            taken += watch.take()
        watch.end()
        taken += watch.take()
        assert watch.take() == ()
    moments = [each.moment for each in taken]
    assert moments == sorted(moments, key=["before", "between", "after"].index)
    assert (moments.count("before"), moments.count("after")) == (10, 10)
    assert {each.part for each in taken if each.moment == "between"} == {"trials"}
    assert sessions(server) <= held


def test_a_lost_session_is_opened_again(server: Server) -> None:
    with MachineWatch(server.dsn) as watch:
        with psycopg.connect(server.dsn, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
                " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            )
        while not any(each.moment == "between" for each in watch.take()):
            pass
        watch.end()
        assert [each.moment for each in watch.take()].count("after") >= 9


def test_a_server_that_is_away_is_told(server: Server) -> None:
    with pytest.raises(psycopg.OperationalError):
        MachineProbe(psycopg.conninfo.make_conninfo(server.dsn, dbname="nowhere"))
