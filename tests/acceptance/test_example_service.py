"""The example engine as a service: tried, run and killed, by its entry in `cutover.toml`; and one that runs already."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cutover.engines.byprocess.http.address import ServiceAddress
from cutover.engines.byprocess.http.service import StartedService
from cutover.engines.byprocess.started import EngineProgram
from cutover.harness.run.postgres.server import Server

EXAMPLES = Path(__file__).parents[2] / "docs/examples"
COMMAND = json.dumps(sys.executable)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the example."""
    for name in ("psycopg_engine.py", "http_service.py"):
        shutil.copy(EXAMPLES / name, tmp_path)
    text = (EXAMPLES / "cutover.toml").read_text("utf-8")
    text = text.replace('"python3"', COMMAND)
    (tmp_path / "cutover.toml").write_text(f"{text}ready_timeout_s = 120\n")
    return tmp_path


@contextlib.contextmanager
def running(folder: Path) -> Iterator[str]:
    """Yields the URL of a service that runs already."""
    program = EngineProgram([sys.executable, "http_service.py"], str(folder))
    service = StartedService(program, ServiceAddress("http://127.0.0.1:{port}"), "", hosted=False)
    try:
        service.wait(60)
        yield service.address.url
    finally:
        service.kill()


def cutover(folder: Path, server: Server, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cutover", *arguments, "--postgres", server.dsn],
        cwd=folder, capture_output=True, text=True, check=False, env=os.environ,
    )  # fmt: skip


def test_it_is_tried_and_what_is_said_is_shown(folder: Path, server: Server) -> None:
    done = cutover(folder, server, "try", "service")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout == (
        "PASS: example-psycopg-http on 01-one-activity: completed, as it should be, with 1 call of activities; "
        "nothing is wrong\n"
    )
    assert '    > POST /execute {"protocol":1,"dsn":"postgresql://***@' in done.stderr
    assert "    < POST /activities/payments.charge X-Execution-Id: " in done.stderr
    assert '    > 200 X-Ports: ["out"] X-Now: ' in done.stderr


@pytest.mark.nightly
def test_it_comes_through_every_death(folder: Path, server: Server) -> None:
    asked = (
        "crash",
        "--engine",
        "service",
        "--only",
        "01-one-activity",
        "--ways",
        "once,zombie",
        "--limit",
        "20",
    )
    done = cutover(folder, server, *asked, "--out", "crash", "--quiet")
    assert done.returncode == 0, done.stdout + done.stderr


def test_one_that_runs_already_is_not_killed(folder: Path, server: Server) -> None:
    with running(folder) as url:
        for asked in (("run", "--candidate", url), ("crash", "--engine", url)):
            done = cutover(folder, server, *asked, "--out", "killed")
            assert done.returncode == 2
            (line,) = done.stderr.splitlines()
            assert "is a service that is not started here, so it cannot be killed; give its `command`" in line


@pytest.mark.nightly
def test_one_that_runs_already_is_compared(folder: Path, server: Server) -> None:
    asked = ("--trials", "20", "--seed", "3", "--quiet", "--skip", "crashes,memory,costs,plays", "--out", "run")
    with running(folder) as url:
        control = ("run", "--control", "psycopg_engine:ExampleEngine", "--candidate", url)
        done = cutover(folder, server, *control, *asked)
    assert done.returncode in {1, 3}, done.stdout + done.stderr  # a service may be slower than the same code in process
    document = json.loads((folder / "run" / "report.json").read_text("utf-8"))
    told = {each["id"]: each["verdict"] for each in document["reasons"]}
    assert {told[check] for check in ("OUT", "DUP", "LOST", "SM", "DATA", "IDEM")} == {"PASS"}
