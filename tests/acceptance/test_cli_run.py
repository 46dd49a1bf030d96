"""`cutover run` and `cutover report` as a user starts them: exit status, output, and what is left behind."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import jsonschema
import pandas as pd
import psycopg
import pytest

from cutover.harness.judge.crash.checks import CRASH_CHECKS
from cutover.harness.run.postgres.server import Server

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "reports/schema/report.schema.json").read_text("utf-8"))
FAST = ("--crash-budget", "0", "--skip", "routing,memory,plays,costs")
"""For what trials alone show."""
HEAVY = {"docker", "hypothesis", "numpy", "pandas", "psycopg", "scipy", "sqlalchemy", "testcontainers"}

STOPPER = '''
"""V2, but the command is interrupted, as by Ctrl-C, when the second scenario's execution starts."""

import os
import signal
from pathlib import Path

from cutover.engines.registry import resolve


class Stopper:
    def __init__(self, engine):
        self._engine = engine
        self.name = engine.name

    def __getattr__(self, name):
        return getattr(self._engine, name)

    def execute(self, request):
        seen = Path(os.environ["CUTOVER_TEST_SEEN"])
        with seen.open("a") as file:
            file.write("x")
        if seen.stat().st_size == 12:
            os.kill(int(os.environ["CUTOVER_TEST_COMMAND"]), int(os.environ["CUTOVER_TEST_SIGNAL"]))
        self._engine.execute(request)


def create(context):
    return Stopper(resolve("v2")(context))
'''

MUTE = '''
"""V2, but the output of every execution is another one."""

import dataclasses

from cutover.engines.registry import resolve


class Liar:
    def __init__(self, engine):
        self._engine = engine
        self.name = "liar"

    def __getattr__(self, name):
        return getattr(self._engine, name)

    def journal(self, execution_id):
        journal = self._engine.journal(execution_id)
        if journal.execution.output is None:
            return journal
        return dataclasses.replace(journal, execution=dataclasses.replace(journal.execution, output='"another"'))


def create(context):
    return Liar(resolve("v2")(context))
'''


def cutover(
    *arguments: str, cwd: Path, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    command = (
        "import os; os.environ['CUTOVER_TEST_COMMAND'] = str(os.getpid()); "
        "from cutover.harness.cli.main import main; main()"
    )
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("CUTOVER_", "COLUMNS"))}
    return subprocess.run(
        [sys.executable, "-c", command, *arguments],
        cwd=cwd,
        env={**inherited, "PYTHONPATH": str(ROOT), **(environment or {})},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.fixture(scope="module")
def done(
    server: Server, made_once: Callable[[str, Callable[[Path], None]], Path]
) -> tuple[subprocess.CompletedProcess[str], Path]:
    """A run of 40 trials, and the folder in which it was started."""

    def run(cwd: Path) -> None:
        ended = cutover("run", "--trials", "40", "--crash-budget", "12", "--postgres", server.dsn, cwd=cwd)
        (cwd / "ended.json").write_text(json.dumps([ended.returncode, ended.stdout, ended.stderr]), encoding="utf-8")

    cwd = made_once("run-of-40", run)
    status, out, err = json.loads((cwd / "ended.json").read_text("utf-8"))
    return subprocess.CompletedProcess(["cutover", "run"], status, out, err), cwd


def databases(server: Server) -> set[str]:
    with psycopg.connect(server.dsn) as connection:
        return {name for (name,) in connection.execute("SELECT datname FROM pg_database WHERE datname LIKE 'cutover%'")}


def the_run(cwd: Path) -> Path:
    (folder,) = (cwd / "cutover-runs").iterdir()
    return folder


def table(folder: Path, name: str) -> pd.DataFrame:
    """All rows of one of a run's tables, from however many files."""
    files = sorted(folder.glob(f"{name}-*.jsonl.gz"))
    return pd.concat([pd.read_json(file, lines=True, compression="gzip") for file in files], ignore_index=True)


def test_too_few_trials_for_the_plan_are_inconclusive_and_say_how_many_are_missing(
    done: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    completed, _ = done
    assert completed.returncode == 3, completed.stderr
    assert completed.stdout.startswith("INCONCLUSIVE")
    assert "Traceback" not in completed.stderr
    drawn = re.search(r"seed (\d+); --seed \1 repeats this run", completed.stderr)
    assert drawn, completed.stderr
    again = f"cutover run --control v1 --candidate v2 --stage 0 --trials 40 --seed {drawn[1]} --crash-budget 12"
    assert again in completed.stdout


def test_the_run_s_folder_holds_the_report_and_rows_that_pandas_reads(
    done: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    _, cwd = done
    folder = the_run(cwd)
    document = json.loads((folder / "report.json").read_text("utf-8"))
    jsonschema.validate(document, SCHEMA)
    assert (document["verdict"], document["exit_status"], document["trials"]) == ("INCONCLUSIVE", 3, 40)
    assert document["run"]["run_id"] == folder.name
    assert "INCONCLUSIVE" in (folder / "report.md").read_text("utf-8")
    arms = table(folder, "arms")
    assert len(arms) == 160
    assert set(arms["arm"]) == {"control", "control_again", "candidate", "candidate_again"}


def test_the_candidate_breaks_no_check_and_every_check_looked_at_something(
    done: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    _, cwd = done
    document = json.loads((the_run(cwd) / "report.json").read_text("utf-8"))
    checks = {check["check"]: check for check in document["checks"]}
    assert {name: check["findings_candidate"] for name, check in checks.items() if check["findings_candidate"]} == {}
    required = {name for name, check in checks.items() if check["required"]}
    assert set(CRASH_CHECKS) <= required
    required -= {"TIME"}  # which cases fit into the budget depends on the machine
    assert required >= {"OUT", "DUP", "LOST", "SM", "EVT", "CKPT", "RETRY", "ORD", "ISO", "DATA", "LOG", "IDEM"}
    assert {name for name in required if checks[name]["examined_candidate"] == 0} == set()
    assert {group["class"] for group in document["differences"]} <= {"IMPROVEMENT", "NOISE"}


def test_the_candidate_was_killed_and_resumed_and_the_report_shows_it(
    done: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    completed, cwd = done
    folder = the_run(cwd)
    document = json.loads((folder / "report.json").read_text("utf-8"))
    crash = document["crash"]
    assert (crash["verdict"], crash["failed"], crash["unfired"], crash["duplicates"]) == ("PASS", 0, 0, 0)
    assert crash["cases"] == document["run"]["cases"] > 0
    assert crash["cases"] <= document["run"]["cases_planned"]
    (idempotent,) = [each for each in document["criteria"] if each["id"] == "resume-idempotent"]
    assert (idempotent["estimate"], idempotent["n"]) == (0.0, crash["cases"])
    assert {cell["way"] for cell in crash["coverage"]} >= {"once", "twice", "concurrent", "zombie"}
    assert crash["headline"] in " ".join(completed.stdout.split())
    cases = table(folder, "cases")
    assert len(cases) == crash["cases"]


def test_a_saved_crash_case_of_a_run_can_be_explained(
    done: tuple[subprocess.CompletedProcess[str], Path], tmp_path: Path
) -> None:
    folder = the_run(done[1])
    cases = table(folder, "cases")
    case = next(name for name in cases["case"] if name.endswith("/once"))
    explained = cutover("explain", case, "--run", str(folder), cwd=tmp_path)
    assert explained.returncode == 0, explained.stderr
    assert explained.stdout.startswith(f"PASS: {case}, 1 of 1 faults fired")
    assert "kill" in explained.stdout.split()


def test_without_crashes_a_run_says_so(server: Server, tmp_path: Path) -> None:
    arguments = ("run", "--trials", "2", *FAST, "--json", "--quiet", "--postgres", server.dsn)
    document = json.loads(cutover(*arguments, cwd=tmp_path).stdout)
    assert document["crash"] is None
    assert "no process was killed: resuming after a crash was not tested" in document["not_tested"]
    assert {reason["id"] for reason in document["blocking"]} >= {"META killed", "RESUME", "resume-idempotent"}
    assert "--crash-budget 0 --skip routing,memory,plays,costs" in document["reproduce"]


def test_what_a_run_left_out_stays_undecided(server: Server, tmp_path: Path) -> None:
    arguments = ("run", "--trials", "2", "--skip", "plays,costs,crashes", "--json", "--quiet", "--postgres", server.dsn)
    document = json.loads(cutover(*arguments, cwd=tmp_path).stdout)
    assert document["verdict"] == "INCONCLUSIVE"
    checks = {check["check"]: (check["verdict"], check["examined_candidate"]) for check in document["checks"]}
    assert {name: checks[name] for name in ("SIGNAL", "INSTALL", "RESUME", "ACK")} == dict.fromkeys(
        ("SIGNAL", "INSTALL", "RESUME", "ACK"), ("INCONCLUSIVE", 0)
    )
    assert checks["FLAG"][1] > 0


def test_no_database_of_the_run_is_left(
    done: tuple[subprocess.CompletedProcess[str], Path], server: Server, tmp_path: Path
) -> None:
    assert done[0].returncode == 3
    before = databases(server)
    arguments = ("run", "--trials", "2", *FAST, "--seed", "77", "--postgres", server.dsn, "--quiet")
    quiet = cutover(*arguments, cwd=tmp_path)
    assert quiet.returncode == 3
    assert quiet.stdout.startswith("INCONCLUSIVE for stage 0 %: ")
    assert quiet.stdout.endswith(" Seed 77.\n")
    assert databases(server) == before


def test_the_same_run_judged_again_comes_to_the_same(
    done: tuple[subprocess.CompletedProcess[str], Path], tmp_path: Path
) -> None:
    _, cwd = done
    folder = the_run(cwd)
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    again = cutover("report", str(folder), "--format", "json", cwd=tmp_path)
    assert again.returncode == 3
    assert json.loads(again.stdout) == json.loads(before["report.json"])
    written = tmp_path / "report.md"
    assert cutover("report", str(folder), "-f", "markdown", "-o", str(written), cwd=tmp_path).returncode == 3
    assert written.read_bytes() == before["report.md"]
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


def test_json_is_alone_on_stdout_and_quiet_keeps_stderr_empty(server: Server, tmp_path: Path) -> None:
    completed = cutover(
        "run", "--trials", "2", *FAST, "--json", "--quiet", "--postgres", server.dsn, "-o", "here", cwd=tmp_path
    )
    assert completed.stderr == ""
    jsonschema.validate(json.loads(completed.stdout), SCHEMA)
    assert json.loads((tmp_path / "here/report.json").read_text("utf-8")) == json.loads(completed.stdout)


def test_a_folder_that_holds_something_is_not_written_to(server: Server, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept/precious").write_text("x", encoding="utf-8")
    completed = cutover("run", "--trials", "1", "--postgres", server.dsn, "--out", "kept", cwd=tmp_path)
    assert completed.returncode == 2
    assert "not empty" in completed.stderr
    assert [file.name for file in (tmp_path / "kept").iterdir()] == ["precious"]


def test_an_output_folder_that_cannot_be_made_is_the_environment_s_fault(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    completed = cutover("run", "--trials", "1", "--postgres", server.dsn, "--out", "file/run", cwd=tmp_path)
    assert completed.returncode == 4
    assert "file/run" in completed.stderr
    assert "Traceback" not in completed.stderr


BLOCKER = '''
"""V2, and something stands where the report shall be written."""

from pathlib import Path

from cutover.engines.registry import resolve


def create(context):
    if Path("full").is_dir():
        Path("full/report.json").mkdir(exist_ok=True)
    return resolve("v2")(context)
'''


def test_a_report_that_cannot_be_written_is_the_environment_s_fault_and_names_the_folder(
    server: Server, tmp_path: Path
) -> None:
    (tmp_path / "blocker.py").write_text(BLOCKER, encoding="utf-8")
    completed = cutover(
        *("run", "--trials", "1", "--candidate", "blocker:create", "--postgres", server.dsn),
        *(*FAST, "--out", "full", "--quiet"),
        cwd=tmp_path,
    )
    assert completed.returncode == 4, completed.stderr
    assert "the run cannot be saved in full: Is a directory; free some space" in completed.stderr


def test_a_server_that_refuses_is_said_without_the_password(tmp_path: Path) -> None:
    completed = cutover("run", "--postgres", "postgresql://who:s3cr%40t@127.0.0.1:1/x", cwd=tmp_path)
    assert completed.returncode == 4
    assert "127.0.0.1" in completed.stderr
    assert "s3cr" not in completed.stderr + completed.stdout
    assert not (tmp_path / "cutover-runs").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_interrupted_it_keeps_the_run_so_far_says_so_and_leaves_no_database(
    server: Server, tmp_path: Path, number: signal.Signals
) -> None:
    (tmp_path / "stopper.py").write_text(STOPPER, encoding="utf-8")
    before = databases(server)
    completed = cutover(
        *("run", "--trials", "200", "--candidate", "stopper:create", "--postgres", server.dsn, "--workers", "1"),
        *("--out", "half"),
        cwd=tmp_path,
        environment={"CUTOVER_TEST_SEEN": str(tmp_path / "seen"), "CUTOVER_TEST_SIGNAL": str(int(number))},
    )
    assert completed.returncode == 130, completed.stderr
    assert "interrupted" in completed.stderr
    assert "Traceback" not in completed.stderr
    document = json.loads((tmp_path / "half/report.json").read_text("utf-8"))
    assert document["run"]["partial"] is True
    assert 0 < document["trials"] < 200
    assert document["verdict"] != "GO"
    assert databases(server) == before


@pytest.mark.parametrize("command", [("run", "--candidate"), ("crash", "--engine")])
def test_interrupted_before_there_is_anything_to_save_it_says_so(tmp_path: Path, command: tuple[str, str]) -> None:
    (tmp_path / "stopper.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n", encoding="utf-8")
    completed = cutover(*command, "stopper:create", "--out", "new", cwd=tmp_path)
    assert (completed.returncode, completed.stdout) == (130, "")
    assert completed.stderr.startswith("cutover: interrupted before the first ")
    assert completed.stderr.endswith("; nothing is saved\n")
    assert not (tmp_path / "new").exists()


def test_an_engine_that_returns_another_output_is_no_go_by_the_check_out(server: Server, tmp_path: Path) -> None:
    (tmp_path / "liar.py").write_text(MUTE, encoding="utf-8")
    completed = cutover(
        *("run", "--trials", "30", *FAST, "--candidate", "liar:create", "--postgres", server.dsn, "--out", "lies"),
        cwd=tmp_path,
    )
    assert completed.returncode == 1, completed.stderr
    assert completed.stdout.startswith("NO-GO")
    document = json.loads((tmp_path / "lies/report.json").read_text("utf-8"))
    assert "OUT" in {reason["id"] for reason in document["blocking"]}
    reproduce = document["failed_scenarios"][0]["reproduce"]
    assert "--candidate liar:create" in reproduce
    assert reproduce in completed.stdout


def test_a_traceback_shows_only_when_asked_for(tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_bytes(b"\xff\xfe")
    plain = cutover("run", "--policy", "p.toml", cwd=tmp_path)
    assert plain.returncode in (2, 70)
    assert "Traceback" not in plain.stderr
    told = cutover("run", "--policy", "p.toml", cwd=tmp_path, environment={"CUTOVER_DEBUG": "1"})
    assert "Traceback" in told.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["--version"]])
def test_help_imports_nothing_heavy(arguments: list[str], tmp_path: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "from cutover.harness.cli.main import main; main()", *arguments],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in told.stderr.splitlines()}
    assert "typer" in imported
    assert imported & HEAVY == set()


def test_without_colour_there_is_no_escape_even_where_a_terminal_is_claimed(
    done: tuple[subprocess.CompletedProcess[str], Path], tmp_path: Path
) -> None:
    folder = the_run(done[1])
    shown = cutover("report", str(folder), cwd=tmp_path, environment={"NO_COLOR": "1", "FORCE_COLOR": "1"})
    assert "\x1b[3" not in shown.stdout
