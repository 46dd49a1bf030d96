"""A server that refuses connections or room: the run ends as the environment's fault, whoever met it first."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from cutover.harness.errors import EnvironmentProblem
from cutover.harness.run.postgres.outage import OutageProbe
from cutover.harness.run.postgres.room import Room, needed, require_room, room_of
from cutover.harness.run.postgres.server import Server, provision

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
