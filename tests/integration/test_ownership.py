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
from cutover.harness.run.postgres.ownership import Owner, drop_stale
from cutover.harness.run.postgres.server import Server, provision
from cutover.harness.run.process.mark import mark, state_of

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


def every_name(server: Server) -> set[str]:
    with psycopg.connect(server.dsn) as connection:
        return {name for (name,) in connection.execute("SELECT datname FROM pg_database")}


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
        mine = names(server) - before
        assert len(mine) == 2, "one for each of its runners"
        assert drop_stale(server.dsn) == ()
        with provision(server.dsn) as given:
            assert given.stale == ()
        assert mine <= names(server)
        process.send_signal(signal.SIGKILL)
        process.wait(PATIENCE_S)
    until = time.monotonic() + PATIENCE_S
    while any(connected(server, name) for name in mine) and time.monotonic() < until:
        pass  # its runners and hosts end with it
    assert mine <= names(server)
    with provision(server.dsn) as given:
        assert set(given.stale) == mine
    assert names(server) == before


ELSEWHERE = "000000_1_1_b26a"
"""A mark of a process on another machine."""


@contextlib.contextmanager
def database(server: Server, name: str) -> Iterator[str]:
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield name
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))


CREATES = """
import os, signal, sys
import psycopg
from psycopg import sql
from cutover.harness.run.postgres.ownership import Owner

name = Owner(sys.argv[1]).name()
session = psycopg.connect(sys.argv[1], autocommit=True)
print(name, flush=True)
statement = sql.SQL("CREATE DATABASE {} STRATEGY file_copy").format(sql.Identifier(name))
session.pgconn.send_query(statement.as_bytes(session))
if sys.argv[2:]:
    session.pgconn.get_result()
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("moment", [(), ("when it is there",)])
def test_a_kill_while_a_database_is_made_leaves_none_after_the_next_start(
    server: Server, moment: tuple[str, ...]
) -> None:
    before = names(server)
    command = [sys.executable, "-c", CREATES, server.dsn, *moment]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    assert done.returncode == -signal.SIGKILL
    with provision(server.dsn) as given:
        assert given.stale == (done.stdout.strip(),)
    assert names(server) == before


def test_a_lock_alone_keeps_a_database(server: Server) -> None:
    owner = Owner(server.dsn)
    key = owner.name().split("_")[1]
    with database(server, f"cutover_{key}_1_{ELSEWHERE}") as name:
        assert drop_stale(server.dsn) == ()
        owner.close()
        while drop_stale(server.dsn) != (name,):
            pass  # until the server has noticed; the test's own limit is the deadline


def test_a_connection_alone_keeps_a_database(server: Server) -> None:
    with database(server, f"cutover_00000001_1_{ELSEWHERE}") as name:
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
        assert other.split("_")[1] == name.split("_")[1]


@pytest.mark.parametrize("mark", ["000000_1_1_b26b", "000000_1_1", "1_1_b26a", "000000_1_1_B26A", "00000g_1_1_b26a"])
def test_a_name_that_somebody_has_chosen_does_not_make_a_database_ours(server: Server, mark: str) -> None:
    with database(server, f"cutover_00000002_1_{mark}") as name:
        assert drop_stale(server.dsn) == ()
        assert name in names(server)


def test_doctor_removes_it_and_says_so(server: Server, tmp_path: Path) -> None:
    with database(server, f"cutover_00000004_1_{ELSEWHERE}") as name:
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
    assert name in "".join(said.stdout.split())


@pytest.mark.parametrize(
    "name",
    [
        "cutover",
        "cutover_production",
        "cutover_00000003_1",
        f"cutover_0000000g_1_{ELSEWHERE}",
        f"xcutover_00000003_1_{ELSEWHERE}",
        f"cutover_00000003_1_{ELSEWHERE}_2",
    ],
)
def test_names_that_are_not_ours_are_left_alone(server: Server, name: str) -> None:
    with database(server, name):
        assert drop_stale(server.dsn) == ()
        assert name in every_name(server)


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
        [sys.executable, "-c", "from cutover.harness.run.process.mark import mark; print(mark())"],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        dead = Found(process.stdout.readline())
    mine, elsewhere, unmarked = Found(mark()), Found(ELSEWHERE), Found("")
    remove_left_behind(Engine(mine, elsewhere, dead, unmarked))
    assert [each.removed for each in (mine, elsewhere, dead, unmarked)] == [False, False, True, False]


def test_a_mark_tells_whether_its_process_lives() -> None:
    assert state_of(f"a {mark()} b") == "alive"
    assert state_of(ELSEWHERE) == "elsewhere"
    assert [state_of(odd) for odd in (None, "", "no mark", ELSEWHERE[:-1], f"{ELSEWHERE}0")] == ["unknown"] * 5
    with subprocess.Popen([sys.executable, "-c", MARKED], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert state_of(line) == "alive"
        process.kill()
        until = time.monotonic() + PATIENCE_S
        while state_of(line) == "alive" and time.monotonic() < until:
            pass
        assert state_of(line) == "gone"  # though nobody has reaped it


MARKED = "from cutover.harness.run.process.mark import mark; import time; print(mark(), flush=True); time.sleep(60)"
