"""What lies around a run: libpq's variables and files, what killed runs have left, and who may read a command line."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from cutover.harness.errors import ConfigurationProblem, EnvironmentProblem
from cutover.harness.run.postgres.dsn import parse_dsn, to_url
from cutover.harness.run.postgres.server import URL_VARIABLE, ProvisionMode, Server, provision
from cutover.harness.run.process.mark import mark

COMMAND = (sys.executable, "-c", "from cutover.harness.cli.main import main; main()")
HOSTILE = {
    "PGSERVICE": "none",
    "PGSERVICEFILE": "/nowhere/services",
    "PGOPTIONS": "-c no_such_setting=1",
    "PGHOST": "/nowhere",
    "PGHOSTADDR": "192.0.2.1",
    "PGPORT": "1",
    "PGUSER": "nobody",
    "PGDATABASE": "none",
    "PGPASSFILE": "/nowhere/passwords",
    "PGSSLMODE": "verify-full",
    "PGCLIENTENCODING": "LATIN1",
    "PGDATA": "/nowhere/data",
    "PGTZ": "Pacific/Marquesas",
}


@pytest.fixture
def place() -> Iterator[Path]:
    """A short path: a socket's has at most 107 bytes."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def test_no_variable_of_libpq_reaches_a_server_that_we_start_or_what_works_on_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in HOSTILE.items():
        monkeypatch.setenv(name, value)
    with provision(mode="embedded") as server:
        assert HOSTILE.keys() & os.environ.keys() == set()
        with psycopg.connect(server.create_database().dsn) as connection:
            told = connection.execute("SELECT current_user, current_setting('client_encoding')").fetchone()
        assert told == ("postgres", "UTF8")
    assert {name: os.environ[name] for name in HOSTILE} == HOSTILE


def test_what_a_service_and_variables_say_of_the_server_stands_in_its_url(
    server: Server, monkeypatch: pytest.MonkeyPatch, place: Path
) -> None:
    parts = parse_dsn(server.dsn)
    services = place / "services"
    services.write_text(f"[ours]\nhost={parts['host']}\nport={parts['port']}\nuser=postgres\ndbname=template1\n")
    monkeypatch.setenv("PGSERVICEFILE", str(services))
    monkeypatch.setenv("PGOPTIONS", "-c work_mem=7MB")
    monkeypatch.setenv("PGPASSWORD", "s3cret")
    for given in ("service=ours", "postgresql:///?service=ours"):
        with provision(given, "url") as found:
            told = parse_dsn(found.dsn)
            assert (told["host"], told["user"], told["dbname"]) == (parts["host"], "postgres", "template1")
            assert told["options"] == "-c work_mem=7MB"
            assert told["password"] == "s3cret"  # noqa: S105 - made for this test
            assert not {"service", "sslmode", "connect_timeout", "client_encoding"} & told.keys()
            assert "s3cret" not in found.description
            with psycopg.connect(found.create_database().dsn) as connection:
                assert connection.execute("SHOW work_mem").fetchone() == ("7MB",)
    with pytest.raises(EnvironmentProblem, match=r'refuses: .*definition of service "theirs" not found'):
        provision("service=theirs", "url").__enter__()


@pytest.mark.parametrize("mode", ["auto", "url"])
@pytest.mark.parametrize("given", ["", "  "])
def test_an_empty_url_is_refused_whoever_gives_it(
    given: str, mode: ProvisionMode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(URL_VARIABLE, raising=False)
    with pytest.raises(ConfigurationProblem, match=r"^--postgres is empty"):
        provision(given, mode).__enter__()
    monkeypatch.setenv(URL_VARIABLE, given)
    with pytest.raises(ConfigurationProblem, match=f"^{URL_VARIABLE} is empty"):
        provision(None, mode).__enter__()


SERVES = """
import json, sys, time
from pathlib import Path
from cutover.harness.run.postgres.dsn import parse_dsn
from cutover.harness.run.postgres.server import provision
from cutover.harness.run.process.lifetime import marked_folder
marked_folder()
with provision(mode="embedded") as server:
    home = Path(parse_dsn(server.dsn)["host"])
    print(json.dumps([str(home), int((home / "data/postmaster.pid").read_text().split()[0])]), flush=True)
    time.sleep(60)
"""


def test_a_kill_of_command_guard_and_server_leaves_nothing_after_the_next_start(
    place: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.chmod(0o777)
    theirs = place / f"cutover-{mark()}-theirs"
    theirs.mkdir()
    (place / "cutover-000000_1_1_b26a-elsewhere").mkdir()
    (place / "cutover-runs").mkdir()
    environment = {**os.environ, "TMPDIR": str(place)}
    with subprocess.Popen(
        [sys.executable, "-c", SERVES], stdout=subprocess.PIPE, text=True, env=environment
    ) as command:
        assert command.stdout is not None
        home, postmaster = json.loads(command.stdout.readline())
        children = Path(f"/proc/{command.pid}/task/{command.pid}/children").read_text("ascii").split()
        for pid in {*map(int, children)} - {postmaster}:
            os.kill(pid, signal.SIGKILL)  # the guard
        command.kill()
    assert Path(home, "data").is_dir()
    assert Path(f"/proc/{postmaster}").exists()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    with provision(server.dsn):
        assert sorted(path.name for path in place.iterdir()) == sorted(
            [theirs.name, "cutover-000000_1_1_b26a-elsewhere", "cutover-runs"]
        )
    until = time.monotonic() + 60
    while running(postmaster) and time.monotonic() < until:
        time.sleep(0.02)
    assert not running(postmaster)


def running(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text("ascii", errors="replace").rpartition(")")[2].split()[0] != "Z"
    return False


def test_no_command_line_but_the_user_s_own_has_the_password(server: Server, place: Path) -> None:
    url = to_url({**parse_dsn(server.dsn), "password": "s3cret-of-the-url"})
    with subprocess.Popen(
        [*COMMAND, "crash", "--only", "03-data-flow", "--limit", "6", "--workers", "1", "--out", str(place / "out")],
        env={**os.environ, URL_VARIABLE: url, "PGPASSWORD": "s3cret-of-a-variable"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as command:
        seen: set[str] = set()
        while command.poll() is None:
            seen |= {line for line in below(command.pid) if line}
            time.sleep(0.02)
        assert command.stdout is not None
        said = command.stdout.read()
    assert any("cutover.harness.run.crash.runner:main" in line for line in seen)
    saved = b"".join(path.read_bytes() for path in (place / "out").glob("*.json")).decode()
    assert "s3cret" not in "".join(seen) + said + saved


def below(pid: int) -> Iterator[str]:
    """Yields the command lines of a process and of all that it has started."""
    with contextlib.suppress(OSError):
        yield Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split():
            yield from below(int(child))
