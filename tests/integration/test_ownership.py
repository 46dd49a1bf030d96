"""Databases on a server that others use too: a killed run's go at the next start, a live run's never do."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from cutover.harness.run.postgres.container import remove_left_behind
from cutover.harness.run.postgres.ownership import Owner, drop_stale, mark
from cutover.harness.run.postgres.server import Server, provision

RUN = """
import sys, signal
from cutover.harness.run.crash.plan import CasePlan
from cutover.harness.run.crash.matrix import crash_matrix
from cutover.harness.run.postgres.server import provision
from cutover.scenarios.catalog import load_catalog

with provision(sys.argv[1]) as server:
    crash_matrix(
        server,
        load_catalog()[:5],
        CasePlan(engine="v2"),
        workers=2,
        on_record=lambda record: print(record.case, flush=True),
        on_planned=lambda count: None,
    )
"""
PATIENCE_S = 60


def names(server: Server) -> set[str]:
    with psycopg.connect(server.dsn) as connection:
        found = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE 'cutover\\_%'")
        return {name for (name,) in found}


def connected(server: Server, name: str) -> int:
    with psycopg.connect(server.dsn) as connection:
        row = connection.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = %s", [name]).fetchone()
    assert row is not None
    return int(row[0])


@contextlib.contextmanager
def playing(server: Server) -> Iterator[subprocess.Popen[str]]:
    """A process in the middle of a crash matrix on the server."""
    with subprocess.Popen([sys.executable, "-c", RUN, server.dsn], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for _ in range(3):
            assert process.stdout.readline()
        try:
            yield process
        finally:
            process.kill()


def test_what_a_killed_run_left_is_gone_after_the_next_start_and_not_before(server: Server) -> None:
    before = names(server)
    with playing(server) as process:
        [mine] = names(server) - before
        assert drop_stale(server.dsn) == ()
        with provision(server.dsn) as given:
            assert given.stale == ()
        assert mine in names(server)
        process.send_signal(signal.SIGKILL)
        process.wait(PATIENCE_S)
    until = time.monotonic() + PATIENCE_S
    while connected(server, mine) and time.monotonic() < until:
        pass  # its runners and hosts end with it
    assert mine in names(server)
    with provision(server.dsn) as given:
        assert given.stale == (mine,)
    assert names(server) == before


ELSEWHERE = '{"host": "elsewhere", "pid": 1, "started": 1}'


@contextlib.contextmanager
def database(server: Server, name: str, comment: str = ELSEWHERE) -> Iterator[str]:
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        connection.execute(sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(name), sql.Literal(comment)))
        yield name
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))


def test_a_lock_alone_keeps_a_database(server: Server) -> None:
    owner = Owner(server.dsn)
    with database(server, owner.name()) as name:
        assert drop_stale(server.dsn) == ()
        owner.close()
        while drop_stale(server.dsn) != (name,):
            pass  # until the server has noticed; the test's own limit is the deadline


def test_a_connection_alone_keeps_a_database(server: Server) -> None:
    with database(server, "cutover_00000001_1") as name:
        with psycopg.connect(server.dsn, dbname=name):
            assert drop_stale(server.dsn) == ()
        while drop_stale(server.dsn) != (name,):
            pass


def test_a_process_that_is_seen_to_live_keeps_its_database_though_its_lock_was_lost(server: Server) -> None:
    with provision(server.dsn) as given:
        name = given.create_database().name
        assert given._owner is not None
        assert given._owner._session is not None
        with psycopg.connect(server.dsn, autocommit=True) as connection:
            connection.execute("SELECT pg_terminate_backend(%s)", [given._owner._session.info.backend_pid])
        assert drop_stale(server.dsn) == ()
        assert name in names(server)
        other = given.create_database().name  # takes the lock anew
        assert other.rpartition("_")[0] == name.rpartition("_")[0]


@pytest.mark.parametrize("comment", ["", "no JSON", "{}", "null", "[]"])
def test_a_name_alone_does_not_make_a_database_ours(server: Server, comment: str) -> None:
    with database(server, "cutover_00000002_1", comment) as name:
        assert drop_stale(server.dsn) == ()
        assert name in names(server)


def test_doctor_removes_it_and_says_so(server: Server, tmp_path: Path) -> None:
    with database(server, "cutover_00000004_1") as name:
        command = [
            sys.executable,
            "-m",
            "cutover.harness.cli",
            "doctor",
            "--postgres",
            server.dsn,
            "--out",
            str(tmp_path),
        ]
        said = subprocess.run(command, capture_output=True, text=True, check=False)
        assert name not in names(server)
    assert "removed what runs that were killed had left there" in " ".join(said.stdout.split())
    assert name in said.stdout


@pytest.mark.parametrize("name", ["cutover", "cutover_production", "cutover_0000000g_1", "xcutover_00000003_1"])
def test_names_that_are_not_ours_are_left_alone(server: Server, name: str) -> None:
    with database(server, name):
        assert drop_stale(server.dsn) == ()
        assert name in names(server) | {"cutover", "xcutover_00000003_1"}


class Found:
    """A container as docker's client returns it, as far as it is looked at."""

    def __init__(self, label: str) -> None:
        self.labels = {"cutover.owner": label}
        self.removed = False

    def remove(self, *, force: bool, v: bool) -> None:
        assert force
        assert v
        self.removed = True


class Engine:
    """A client whose `containers` are itself."""

    def __init__(self, *found: Found) -> None:
        self._found = found
        self.containers = self

    def list(self, *, all: bool, filters: dict[str, str]) -> tuple[Found, ...]:  # noqa: A002 - docker's own name
        assert all
        assert filters == {"label": "cutover.owner"}
        return self._found


def test_of_containers_only_those_go_whose_process_is_seen_to_be_gone() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", "from cutover.harness.run.postgres.ownership import mark; print(mark())"],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        dead = Found(process.stdout.readline())
    mine, elsewhere, unmarked = Found(mark()), Found('{"host": "elsewhere", "pid": 1, "started": 1}'), Found("")
    remove_left_behind(Engine(mine, elsewhere, dead, unmarked))
    assert [each.removed for each in (mine, elsewhere, dead, unmarked)] == [False, False, True, False]
