"""docs/exit-statuses.md: each cause of its table is brought about, here or where it says, and has its status."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NoReturn

import pytest

from cutover.harness.cli.main import _outcome
from cutover.harness.cli.status import Status
from cutover.harness.errors import EnvironmentProblem
from cutover.harness.judge.policy.gate import StageVerdict
from cutover.harness.run.postgres.server import provision

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = (ROOT / "docs/exit-statuses.md").read_text("utf-8")
ROWS: Final = {
    cause: int(status) for cause, status in re.findall(r"^\| (\D.*?) \| (\d+) \|$", PAGE, flags=re.MULTILINE)
}
SAVED: Final = str(ROOT / "tests/data/run-schema-1")
NO_SERVER: Final = "postgresql://u@127.0.0.1:1/d"
NO_HOSTS: Final = ("a..b", "x" * 70, "a\u202eb", "a\u2028b", "known.invalid,a..b", "a\udcff", "127.0.0.1:1\udcff")
"""Hosts that cannot be looked up, since they are not names."""
ENGINE: Final = """
class Engine:
    name = "odd"
    def __init__(self, context): pass
    def install(self): pass
    def execute(self, request): pass
    def resume(self, execution_id, signal=None): pass
    def cancel(self, execution_id): pass
    def journal(self, execution_id): pass
    def close(self): pass
"""

TYPED: Final[dict[str, Sequence[Sequence[str]]]] = {
    "`cutover --help`, `cutover --version`": [["--help"], ["--version"], ["run", "--help"]],
    "an option or a command that does not exist, or a value out of range": [
        ["run", "--nonsense"],
        ["nonsense"],
        ["run", "--trials", "-1"],
    ],
    "options that contradict each other": [
        ["run", "--trials", "5", "--generated", "5"],
        ["crash", "--postgres", NO_SERVER, "--postgres-mode", "embedded"],
    ],
    "a command without its subcommand": [[], ["policy"]],
    "a file or folder that was named and is not there": [
        ["run", "--scenarios", "absent.json"],
        ["run", "--policy", "absent.toml"],
        ["try", "v2", "absent.json"],
        ["import", "n8n", "absent", "--out", "out"],
        ["policy", "check", "absent.toml"],
    ],
    "a policy, waivers or scenario file that breaks a rule": [
        ["policy", "check", "odd.toml"],
        ["run", "--waivers", "odd.toml"],
        ["run", "--scenarios", "odd.json"],
    ],
    "`cutover import`: nothing could be imported": [["import", "n8n", "odd.json", "--out", "out"]],
    "an engine of that name does not exist": [
        ["run", "--candidate", "v9"],
        ["crash", "--engine", "v9"],
        ["judge-engines", "v9"],
    ],
    "an engine that is none: no factory, methods absent, `async def`, other parameters": [
        ["run", "--candidate", "odd_engines:nothing"],
        ["run", "--candidate", "odd_engines:Empty"],
        ["crash", "--engine", "odd_engines:Async"],
        ["run", "--control", "odd_engines:More"],
    ],
    "an engine whose module cannot be imported, or exits or raises while it is": [
        ["run", "--candidate", "absent:Engine"],
        ["run", "--candidate", "exits:Engine"],
        ["run", "--candidate", "raises:Engine"],
    ],
    "an engine by process that cannot be started, exits at once, says no hello, or another one than the protocol's": [
        ["try", "command:no-such-program"],
        ["run", "--candidate", "command:false"],
        ["crash", "--engine", "command:echo ready"],
        ["run", "--control", "command:"],
    ],
    "an engine by HTTP that nobody answers for, or that is to be killed and that Cutover does not start": [
        ["try", "http://127.0.0.1:1"],
        ["crash", "--engine", "http://127.0.0.1:1"],
    ],
    "an entry of `cutover.toml` that breaks a rule": [["try", "nothing"], ["crash", "--engine", "above"]],
    "`cutover init engine`: a file that it writes is there already": [
        ["init", "engine", "--language", "python"],
    ],
    "an empty `--postgres`, or an empty CUTOVER_DATABASE_URL": [
        ["run", "--postgres", ""],
        ["doctor", "--postgres", " "],
    ],
    "a run folder without a manifest": [["report", "."], ["verify", "."]],
    "no Postgres: refused, unknown host, wrong password, unreadable URL, no service of that name": [
        ["run", "--trials", "1", "--postgres", NO_SERVER],
        ["crash", "--only", "01-one-activity", "--postgres", "postgresql://u@nowhere.invalid/d"],
        ["mutants", "--postgres", "nonsense"],
        ["run", "--trials", "1", "--postgres", "service=nowhere"],
    ],
}
"""Command lines that bring a cause about, in a folder of odd files."""
ELSEWHERE: Final = {
    "`cutover run`, `cutover report`: the stage's criteria hold": (
        "unit/test_gate",
        "test_exit_statuses_are_the_designs",
    ),
    "`cutover crash`: all cases came through": (
        "acceptance/test_cli_crash",
        "test_v2_passes_and_the_cases_are_saved_and_can_be_explained",
    ),
    "`cutover doctor`: a run would work here": (
        "acceptance/test_cli_import",
        "test_doctor_tries_the_url_and_installs_every_engine",
    ),
    "`cutover import`: something was imported": (
        "acceptance/test_cli_import",
        "test_what_can_be_imported_is_and_what_cannot_is_listed_with_its_reason",
    ),
    "`cutover try`: the scenario came to what it should": (
        "acceptance/test_first_steps",
        "test_the_engine_in_python_passes_the_first_time",
    ),
    "a mapping of tables to a journal whose tables or columns are not there, or of another type": (
        "acceptance/test_mapped_engine",
        "test_what_is_wrong_only_with_its_tables_ends_a_run_before_it_begins",
    ),
    "`cutover judge-engines`: the page is made, whatever it says": (
        "acceptance/test_judge_engines",
        "test_v1_breaks_promises_that_v2_keeps",
    ),
    "`cutover init engine`: the files are written": (
        "acceptance/test_first_steps",
        "test_the_engine_in_python_passes_the_first_time",
    ),
    "`cutover try`: it came to something else, or the engine raised": (
        "acceptance/test_first_steps",
        "test_an_engine_that_raises_is_shown_with_its_traceback",
    ),
    "the candidate breaks a required check": (
        "acceptance/test_cli_run",
        "test_an_engine_that_returns_another_output_is_no_go_by_the_check_out",
    ),
    "`cutover mutants`: a mutant survived, or a control was flagged": (
        "mutants/test_cli_mutants",
        "test_a_survivor_is_exit_status_1",
    ),
    "an extra that the command needs is not installed": (
        "unit/test_installation",
        "test_a_core_install_is_told_in_one_sentence_what_to_install",
    ),
    "`cutover verify`: rows, report or engines are not what they say": (
        "acceptance/test_saved_by_older",
        "test_an_older_verdict_that_would_not_be_given_today_is_refused",
    ),
    "an output folder that is not empty": (
        "acceptance/test_cli_run",
        "test_a_folder_that_holds_something_is_not_written_to",
    ),
    "too few trials, parts left out, nothing measured": (
        "acceptance/test_cli_run",
        "test_too_few_trials_for_the_plan_are_inconclusive_and_say_how_many_are_missing",
    ),
    "`cutover verify` without `--key`: the verdict is GO, and it stands on what was not checked": (
        "acceptance/test_saved_left_open",
        "test_a_loosened_policy_does_not_leave_by_go",
    ),
    "a Postgres on which no database may be made": (
        "integration/test_postgres",
        "test_a_user_who_may_not_create_databases_is_told",
    ),
    "a Postgres that is gone in the middle": (
        "integration/test_postgres",
        "test_a_server_that_fails_while_it_is_used_is_the_environment_s_fault",
    ),
    "the embedded server or the container cannot be started": (
        "integration/test_postgres",
        "test_an_image_that_cannot_be_had_falls_back_or_says_so",
    ),
    "`cutover doctor`: a run would not work here": (
        "unit/test_installation",
        "test_doctor_calls_a_required_extra_a_lack_and_another_one_open",
    ),
    "a process of the run is ended from outside: SIGKILL, SIGTERM, SIGHUP, SIGINT": (
        "mutants/test_cli_mutants",
        "test_where_one_is_killed_no_process_and_no_folder_is_left",
    ),
    "`cutover verify --key`: that key has not signed the run as it is": (
        "acceptance/test_saved_tampered",
        "test_a_run_that_the_key_has_not_signed_is_refused_by_a_status_of_its_own",
    ),
    "production's numbers fall below a stage's floor": ("unit/test_gate", "test_exit_statuses_are_the_designs"),
}
"""Causes that take a server or a run, and the test that brings them about."""
SILENT: Final = (
    "`cutover --help`, `cutover --version`",
    "a command without its subcommand",
    "`cutover import`: nothing could be imported",
)
"""Causes that are told by what stands on stdout."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with files that are not what they should be."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "odd.toml").write_text("[[criterion]]\nid = 7\n")
    (tmp_path / "odd.json").write_text('{"nodes": 7}')
    (tmp_path / "odd_engines.py").write_text(
        f"{ENGINE}\nnothing = 7\nclass Empty:\n    def __init__(self, context): pass\n"
        "class Async(Engine):\n    async def execute(self, request): pass\n"
        "class More(Engine):\n    def resume(self, execution_id, signal, more): pass\n"
    )
    (tmp_path / "cutover.toml").write_text("[engines.nothing]\n[engines.above]\ncommand = 'true'\ncwd = '..'\n")
    (tmp_path / "engine.py").write_text("")
    (tmp_path / "exits.py").write_text("import sys\nsys.exit(0)\n")
    (tmp_path / "raises.py").write_text("class Odd(BaseException): pass\nraise Odd('no')\n")
    monkeypatch.delenv("CUTOVER_DATABASE_URL", raising=False)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry])
    return tmp_path


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("cause", "arguments"), [(cause, each) for cause, them in TYPED.items() for each in them], ids=str
)
def test_a_cause_has_the_status_of_the_page_and_one_sentence(
    cause: str, arguments: Sequence[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert _outcome([*arguments]) == ROWS[cause]
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("cutover: ")]
    assert len(said) == (cause not in SILENT)


def raising(error: BaseException) -> Callable[..., int]:
    def job(*_: object, **__: object) -> int:
        raise error

    return job


class Odd(BaseException):
    """What no clause for Exception catches; Python itself would leave with 1, which is NO-GO."""


@pytest.mark.parametrize(
    ("cause", "error"),
    [
        ("an engine calls exit in the command's own process", SystemExit(0)),
        ("anything that is not foreseen", ZeroDivisionError("division by zero")),
        ("anything that is not foreseen", Odd("odd")),
        ("SIGINT (Ctrl-C), SIGTERM, SIGHUP to the command", KeyboardInterrupt()),
        ("the reader of stdout has gone away in the middle", BrokenPipeError(32, "Broken pipe")),
        ("no folder for temporary files", FileNotFoundError(2, "No usable temporary directory found in ['/x']")),
        (
            "a folder or file that cannot be written: no room, `ulimit -f`, too long a name",
            OSError(28, "No space left on device", "here"),
        ),
    ],
)
def test_what_ends_a_command_in_the_middle_has_the_status_of_the_page(
    cause: str, error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cutover.harness.cli.jobs.run.run_job", raising(error))
    assert _outcome(["run"]) == ROWS[cause]


def test_without_a_current_folder_it_is_the_environment_s_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    for arguments in (["policy", "check", "a.toml"], ["doctor"]):
        assert _outcome(arguments) == ROWS["the current folder has been removed"]
        assert capsys.readouterr().err.count("the current folder has been removed; change to another one") == 1
    os.chdir(tmp_path)


def test_completion_is_off_and_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("_CUTOVER_COMPLETE", "bash_source")
    assert _outcome([]) == ROWS["shell completion is asked for"]
    assert "there is no shell completion; unset _CUTOVER_COMPLETE" in capsys.readouterr().err


@pytest.mark.usefixtures("folder")
def test_an_empty_variable_does_not_mean_another_server(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CUTOVER_DATABASE_URL", "")
    for arguments in (["run", "--trials", "1"], ["crash"], ["mutants"], ["doctor"]):
        assert _outcome(arguments) == Status.USAGE
        assert "CUTOVER_DATABASE_URL is empty" in capsys.readouterr().err


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("host", NO_HOSTS, ids=ascii)
def test_a_host_that_is_no_name_is_an_unreadable_url_and_not_shown(
    host: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"postgresql://u:hidden@{host}/d"
    status = ROWS["no Postgres: refused, unknown host, wrong password, unreadable URL, no service of that name"]
    assert _outcome(["run", "--trials", "1", "--quiet", "--postgres", url]) == status
    told = capsys.readouterr().err
    assert told.startswith("cutover: the Postgres URL cannot be read; write postgresql://user:password@host")
    assert (told.count("\n"), "hidden" in told, told.isascii()) == (1, False, True)
    monkeypatch.setenv("CUTOVER_DATABASE_URL", url)
    with pytest.raises(EnvironmentProblem, match="the Postgres URL cannot be read"), provision():
        pass


@pytest.mark.usefixtures("folder")
def test_doctor_says_so_too(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def absent(*_: object) -> NoReturn:
        raise EnvironmentProblem("not tried")

    for other in ("container", "embedded"):
        monkeypatch.setattr(f"cutover.harness.run.postgres.server.{other}", absent)
    assert (
        _outcome(["doctor", "--postgres", "postgresql://u:hidden@a..b/d"])
        == ROWS["`cutover doctor`: a run would not work here"]
    )
    out, err = capsys.readouterr()
    assert ("the Postgres URL cannot be read" in out, "hidden" in out + err, err) == (True, False, "")


def test_every_cause_of_the_page_is_brought_about_somewhere() -> None:
    here = Path(__file__).read_text("utf-8")
    assert [cause for cause in ROWS if f'"{cause}"' not in here] == []
    assert (TYPED.keys() | ELSEWHERE.keys()) <= ROWS.keys()
    for module, test in ELSEWHERE.values():
        assert f"\ndef {test}(" in (ROOT / f"tests/{module}.py").read_text("utf-8")


def test_the_page_has_every_status_with_its_meaning() -> None:
    told = {int(status): words for status, words in re.findall(r"^\| (\d+) \| (.*?) \|", PAGE, flags=re.MULTILINE)}
    assert told.keys() == {int(status) for status in Status}
    assert set(ROWS.values()) == told.keys()
    assert {verdict.exit_status for verdict in StageVerdict} == {0, 1, 3, 5}
