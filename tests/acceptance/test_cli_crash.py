"""`cutover crash`, `replay` and `explain` as a user starts them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from cutover.harness.cli.main import _outcome
from cutover.harness.judge.crash.tally import CrashTally
from cutover.harness.record.cases import CaseRecord
from cutover.harness.run.postgres.server import Server
from cutover.scenarios.model import Scenario

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-c", "from cutover.harness.cli.main import main; main()")
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(("CUTOVER_", "COLUMNS"))}


def cutover(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {**ENVIRONMENT, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [*COMMAND, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, timeout=240, check=False
    )


def databases(server: Server) -> set[str]:
    with psycopg.connect(server.dsn) as connection:
        return {name for (name,) in connection.execute("SELECT datname FROM pg_database WHERE datname LIKE 'cutover%'")}


def test_v2_passes_and_the_cases_are_saved_and_can_be_explained(server: Server, tmp_path: Path) -> None:
    before = databases(server)
    arguments = ("--only", "01-one-activity", "--ways", "once,zombie", "--postgres", server.dsn, "--out", "here")
    done = cutover("crash", *arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("PASS: v2 came through")
    assert "not tested" in done.stdout
    part = json.loads((tmp_path / "here/crash.json").read_text("utf-8"))
    assert (part["verdict"], part["failed"], part["unfired"], part["duplicates"]) == ("PASS", 0, 0, 0)
    assert {"node_kind": "loop", "point": "request"} in part["untouched"]
    explained = cutover("explain", "01-one-activity@call:1/zombie", "--run", "here", "--all", cwd=tmp_path)
    assert explained.returncode == 0, explained.stderr
    assert {"stop", "takeover", "go-on"} <= set(explained.stdout.split())
    assert databases(server) <= before  # what an earlier test had left behind goes, too


def test_v1_s_duplicates_are_counted_and_its_witness_is_repeated_by_replay(server: Server, tmp_path: Path) -> None:
    arguments = ("--engine", "v1", "--only", "01-one-activity", "--ways", "once", "--postgres", server.dsn, "--json")
    done = cutover("crash", *arguments, "--out", "here", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    part = json.loads(done.stdout)
    assert part["duplicates"] > 0
    assert part["duplicates_per_hundred"] == pytest.approx(100 * part["duplicates"] / part["cases"])
    witness = next(each for each in part["witnesses"] if each["check"] == "DUP")
    assert witness["replay"] == f"cutover crash --engine v1 --case {witness['case']}"
    for line in (witness["replay"], f"cutover replay --engine v1 {witness['case']}"):
        again = cutover(*line.split()[1:], "--postgres", server.dsn, cwd=tmp_path)
        assert again.returncode == 1, again.stderr
        assert again.stdout.startswith(f"FAIL: {witness['case']}")
        assert witness["message"] in " ".join(again.stdout.split())
        assert again.stderr == ""


MANY = [word for name in ("03-data-flow", "31-join-without-node", "76-long-chain") for word in ("--only", name)]
"""Scenarios whose cases take much longer than it takes until the first of them are saved."""


def test_interrupted_it_keeps_the_cases_so_far_and_leaves_nothing(server: Server, tmp_path: Path) -> None:
    before = databases(server)
    process = subprocess.Popen(
        [*COMMAND, "crash", "--postgres", server.dsn, "--workers", "1", "--out", "half", "--ways", "all", *MANY],
        cwd=tmp_path,
        env={**ENVIRONMENT, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    written = tmp_path / "half/cases-0001.jsonl.gz"
    until = time.monotonic() + 100
    while not (written.exists() and len(databases(server)) > len(before)) and time.monotonic() < until:
        assert process.poll() is None
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text("ascii").split()
    process.send_signal(signal.SIGINT)
    out, told = process.communicate(timeout=100)
    assert process.returncode == 130, told
    assert "interrupted; the cases so far are saved in half" in told
    assert "Traceback" not in told
    assert json.loads((tmp_path / "half/manifest.json").read_text("utf-8"))["partial"] is True
    part = json.loads((tmp_path / "half/crash.json").read_text("utf-8"))
    assert (part["verdict"], part["partial"], part["failed"]) == ("INCONCLUSIVE", True, 0)
    assert part["planned"] > part["cases"]
    assert out.startswith("INCONCLUSIVE: v2: interrupted ")
    assert f"partial: interrupted after {part['cases']:,} of {part['planned']:,} cases" in " ".join(out.split())
    verified = cutover("verify", "half", cwd=tmp_path)
    assert verified.returncode == 3, verified.stderr
    assert "not checked: the crash cases that are missing: the run was interrupted" in verified.stdout
    assert children
    assert not any(Path(f"/proc/{pid}").exists() for pid in children)
    assert databases(server) <= before  # what an earlier test had left behind goes, too


@pytest.mark.parametrize("command", [("replay",), ("crash", "--case")])
def test_a_name_that_is_not_of_a_case_is_refused_with_how_to_write_one(
    command: tuple[str, ...], tmp_path: Path
) -> None:
    done = cutover(*command, "nonsense", cwd=tmp_path)
    assert done.returncode == 2
    assert "answer:3" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("def install(self): pass", "EngineError: the v2 tables are not in this database"),
        (
            "def journal(self, execution_id): return {}",
            "TypeError: journal() gave dict instead of cutover.engines.api.Journal",
        ),
        ("def journal(self, execution_id): return 1 / 0", "ZeroDivisionError: division by zero"),
    ],
)
def test_an_engine_whose_journal_cannot_be_read_is_told_so_in_one_sentence(
    server: Server, tmp_path: Path, fault: str, said: str
) -> None:
    (tmp_path / "mute.py").write_text(
        "from cutover.engines.v2.orchestrator import OrchestratorV2\n\n\n"
        f"class Mute(OrchestratorV2):\n    name = 'mute'\n    {fault}\n"
    )
    done = cutover(
        "crash", "--engine", "mute:Mute", "--only", "01-one-activity", "--postgres", server.dsn, "-q", cwd=tmp_path
    )
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("cutover: 01-one-activity: engine 'mute' cannot say what it has committed: ")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_an_engine_that_cannot_be_installed_is_told_so_in_one_sentence(server: Server, tmp_path: Path) -> None:
    (tmp_path / "bare.py").write_text(
        "from cutover.engines.v2.orchestrator import OrchestratorV2\n\n\nclass Bare(OrchestratorV2):\n"
        "    def install(self): raise ValueError('no schema payroll')\n"
    )
    done = cutover("crash", "--engine", "bare:Bare", "--postgres", server.dsn, "-q", cwd=tmp_path)
    assert done.returncode == 4
    assert "'bare:Bare' could not be installed" in done.stderr
    assert "ValueError: no schema payroll" in done.stderr
    assert "internal" not in done.stderr


def test_an_interrupt_between_saving_and_judging_a_case_leaves_a_matrix_that_verifies(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add, seen = CrashTally.add, []

    def interrupted(self: CrashTally, scenario: Scenario, record: CaseRecord) -> None:
        seen.append(record)
        if len(seen) == 3:
            raise KeyboardInterrupt
        add(self, scenario, record)

    monkeypatch.setattr(CrashTally, "add", interrupted)
    folder = tmp_path / "cut"
    assert _outcome(["crash", "--only", "01-one-activity", "--out", str(folder), "--postgres", server.dsn, "-q"]) == 130
    assert json.loads((folder / "crash.json").read_text("utf-8"))["cases"] == 3
    assert _outcome(["verify", str(folder)]) == 3
