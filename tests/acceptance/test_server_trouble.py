"""Servers in trouble in the middle of a run of two sound engines: the environment's fault, or nobody's."""

from __future__ import annotations

import contextlib
import json
import secrets
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

IMAGE, PASSWORD = "postgres:15", "of-a-test"
ENVIRONMENT, GO_OR_UNDECIDED = 4, {0, 3}
COMMAND = (sys.executable, "-c", "from cutover.harness.cli.main import main; main()")
PART = ("--trials", "60", "--skip", "routing,memory,costs", "--crash-budget", "15")

pytestmark = [pytest.mark.nightly, pytest.mark.docker, pytest.mark.timeout(1_200)]


def docker(*words: str) -> str:
    return subprocess.run(["docker", *words], check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture(scope="module", autouse=True)
def _needs_docker() -> None:
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        docker("image", "inspect", IMAGE)
        return
    pytest.skip(f"no Docker engine with {IMAGE}")


@contextlib.contextmanager
def postgres(*words: str, settings: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """A server in a container, as (container, address)."""
    name = f"cutover-test-{secrets.token_hex(4)}"
    secret = ("-e", f"POSTGRES_PASSWORD={PASSWORD}")
    docker("run", "--detach", "--name", name, *secret, *words, IMAGE, "postgres", *settings)
    try:
        address = docker("inspect", "--format", "{{.NetworkSettings.IPAddress}}", name)
        answers(url_of(address))
        yield name, address
    finally:
        docker("rm", "--force", "--volumes", name)


def url_of(host: str) -> str:
    return f"postgresql://postgres:{PASSWORD}@{host}/postgres"


def answers(url: str) -> None:
    """Waits until the server answers on the network, which it does once it has initialised its folder."""
    for _ in range(240):
        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(url, connect_timeout=2):
            return
        time.sleep(0.5)
    raise AssertionError("the server does not answer")


class Switch:
    """Listens like a server, and passes connections on to the one that is `target` at the time."""

    def __init__(self, target: str) -> None:
        self.target = target
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"{url_of(f'127.0.0.1:{self._listener.getsockname()[1]}')}?sslmode=disable"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(client)
            with contextlib.suppress(OSError):
                server = socket.create_connection((self.target, 5432))
                self._open.append(server)
                for one, other in ((client, server), (server, client)):
                    threading.Thread(target=self._pass, args=(one, other), daemon=True).start()
                continue
            client.close()

    @staticmethod
    def _pass(one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while heard := one.recv(65_536):
                other.sendall(heard)
        for each in (one, other):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        for each in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


def nothing() -> None:
    """No trouble but what the server has from the beginning."""


def run_on(url: str, folder: Path, after_s: float, trouble: Callable[[], object]) -> tuple[int, str]:
    """Plays a run on the server, with trouble in its middle; returns how it ended, and what it said."""
    with (folder.parent / "said").open("w+", encoding="utf-8") as said:
        words = ("run", *PART, "--seed", "5", "--postgres", url, "--quiet", "--out", str(folder))
        process = subprocess.Popen([*COMMAND, *words], stdout=said, stderr=said, stdin=subprocess.DEVNULL)
        try:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(after_s)
            assert process.poll() is None or trouble is nothing, "the run was over before the trouble"
            trouble()
            status = process.wait(600)
        finally:
            process.kill()
            process.wait()
        said.seek(0)
        return status, said.read()


def is_right(folder: Path, status: int, said: str) -> None:
    """The environment's fault in one sentence, or a run that holds nothing against the candidate."""
    assert "Traceback" not in said
    if status == ENVIRONMENT:
        assert said.count("cutover: ") == 1, said
        return
    assert status in GO_OR_UNDECIDED, said
    document = json.loads((folder / "report.json").read_text("utf-8"))
    assert [each for each in document["reasons"] if each["verdict"] in {"FAIL", "ERROR", "INVALID"}] == []


@pytest.mark.parametrize("after_s", [4, 15, 40])
def test_a_server_that_restarts(tmp_path: Path, after_s: float) -> None:
    with postgres() as (name, address):
        url = url_of(address)
        status, said = run_on(url, tmp_path / "run", after_s, lambda: docker("restart", "--time", "0", name))
        is_right(tmp_path / "run", status, said)


@pytest.mark.parametrize("after_s", [8, 30])
def test_a_server_that_fails_over_to_its_replica(tmp_path: Path, after_s: float) -> None:
    """The replica is asynchronous: what the primary acknowledged last may be lost, and nobody but it lost that."""
    copied = (
        "PGPASSWORD={} pg_basebackup -h {} -U postgres -D /replica -R "
        "&& chmod 700 /replica && chown -R postgres: /replica"
    )
    volume = f"cutover-test-{secrets.token_hex(4)}"
    docker("volume", "create", volume)
    try:
        with postgres("-v", f"{volume}:/replica", settings=("-c", "wal_level=replica")) as (primary, address):
            let_in = "echo host replication all all scram-sha-256 >> /var/lib/postgresql/data/pg_hba.conf"
            docker("exec", primary, "sh", "-c", let_in)
            docker("exec", "--user", "postgres", primary, "pg_ctl", "reload", "-D", "/var/lib/postgresql/data")
            docker("exec", primary, "sh", "-c", copied.format(PASSWORD, address))
            data = ("-e", "PGDATA=/replica", "-v", f"{volume}:/replica")
            with postgres(*data) as (replica, other), contextlib.closing(Switch(address)) as switch:

                def fail_over() -> None:
                    docker("kill", primary)
                    docker("exec", "--user", "postgres", replica, "pg_ctl", "promote", "-D", "/replica")
                    switch.target = other

                status, said = run_on(switch.url, tmp_path / "run", after_s, fail_over)
                is_right(tmp_path / "run", status, said)
    finally:
        docker("volume", "rm", "--force", volume)


def test_a_server_whose_disk_is_full(tmp_path: Path) -> None:
    small = ("--tmpfs", "/var/lib/postgresql/data:size=120m")
    with postgres(*small, settings=("-c", "max_wal_size=32MB", "-c", "min_wal_size=32MB")) as (_, address):
        url = url_of(address)
        status, said = run_on(url, tmp_path / "run", 1, nothing)
        is_right(tmp_path / "run", status, said)


def test_a_server_of_ten_connections(tmp_path: Path) -> None:
    with postgres(settings=("-c", "max_connections=10")) as (_, address):
        url = url_of(address)
        status, said = run_on(url, tmp_path / "run", 1, nothing)
        assert status == ENVIRONMENT, said
        is_right(tmp_path / "run", status, said)
