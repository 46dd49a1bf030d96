"""Engines that are sound and unlike ours, and a machine that is busy: nobody is blamed for either."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cutover.harness.cli.main import _outcome
from cutover.harness.run.postgres.server import Server

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(1_800)]

ENGINES = (
    "CheckpointsBeforeAttempts",
    "CommitsTwoAtOnce",
    "ConnectsEachCommand",
    "JournalsInAnotherZone",
    "KeysByDigest",
    "LeasesForAMinute",
    "PoolsConnections",
    "RenewsInTime",
    "RunsAnEventLoop",
    "SaysMore",
    "SortsKeys",
    "StartsSlowly",
    "LooksInBackground",
    "WordsErrorsOtherwise",
)
LEASE = {"LeasesForAMinute": ("--takeover", "61")}
RUNS = 5


def failed(folder: Path) -> dict[str, str]:
    """Returns what a run holds against its candidate."""
    document = json.loads((folder / "report.json").read_text("utf-8"))
    return {each["id"]: each["text"] for each in document["reasons"] if each["verdict"] in {"FAIL", "ERROR", "INVALID"}}


@pytest.mark.parametrize("engine", ENGINES)
def test_a_run_holds_nothing_against_a_sound_engine(server: Server, tmp_path: Path, engine: str) -> None:
    asked = ["run", "--candidate", f"cutover.harness.mutants.engines:{engine}", *LEASE.get(engine, ())]
    options = ("--trials", "60", "--seed", "3", "--skip", "crashes", "--postgres", server.dsn, "--quiet")
    assert _outcome([*asked, *options, "--out", str(tmp_path / "run")]) == 3
    assert failed(tmp_path / "run") == {}


@pytest.mark.parametrize("engine", ENGINES)
def test_no_crash_case_of_200_holds_anything_against_a_sound_engine(
    server: Server, tmp_path: Path, engine: str
) -> None:
    asked = ["crash", "--engine", f"cutover.harness.mutants.engines:{engine}", *LEASE.get(engine, ())]
    status = _outcome([*asked, "--limit", "200", "--postgres", server.dsn, "--out", str(tmp_path / "run"), "--quiet"])
    document = json.loads((tmp_path / "run/crash.json").read_text("utf-8"))
    assert (document["failed_by_check"], document["witnesses"]) == ({}, [])
    assert status in {0, 3}


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[None]:
    """Four loops that do nothing, and one that writes and flushes."""
    loop = [sys.executable, "-c", "while True: pass"]
    writer = [sys.executable, "-c", _WRITER, str(tmp_path / "written")]
    started = [subprocess.Popen(each) for each in (*[loop] * 4, writer)]
    yield
    for each in started:
        each.kill()
        each.wait()


_WRITER = """
import os, sys
with open(sys.argv[1], "wb", buffering=0) as file:
    while True:
        file.seek(0)
        file.write(bytes(1 << 20))
        os.fsync(file.fileno())
"""


@pytest.mark.usefixtures("busy")
def test_v2_is_never_blamed_for_a_busy_machine(server: Server, tmp_path: Path) -> None:
    for number in range(RUNS):
        folder = tmp_path / str(number)
        asked = ("run", "--skip", "crashes", "--seed", str(number), "--postgres", server.dsn, "--out", str(folder))
        assert _outcome([*asked, "--quiet"]) == 3
        assert failed(folder) == {}
        document = json.loads((folder / "report.json").read_text("utf-8"))
        assert [part["moment"] for part in document["machine"]] == ["before", "between", "after"]
