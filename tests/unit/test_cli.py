"""The command line's own parts: exit statuses, where words go, which scenarios are chosen, what is reproduced."""

from __future__ import annotations

import errno
import io
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

import cutover.harness.judge.policy
from cutover.engines.errors import CutoverError
from cutover.harness.cli.console import emit, note, problem, progress
from cutover.harness.cli.main import _outcome
from cutover.harness.cli.plan import ImportSource, RunPlan
from cutover.harness.cli.selection import DEFAULT_DRAWN, select
from cutover.harness.cli.status import Status, status_of
from cutover.harness.errors import EnvironmentProblem, RunError, UsageProblem
from cutover.harness.judge.measures.sampling import content_of
from cutover.harness.record.kills import PlayedPart
from cutover.scenarios.catalog import load_catalog
from cutover.scenarios.files import dumps
from cutover.scenarios.generated.generator import generate
from cutover.scenarios.model import Scenario


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (UsageProblem("no"), 2),
        (RunError("no"), 2),
        (CutoverError("no"), 2),
        (EnvironmentProblem("no"), 4),
        (OSError(errno.ENOSPC, "No space left on device", "out/x"), 4),
        (OSError(errno.EROFS, "Read-only file system", "out/x"), 4),
        (PermissionError(errno.EACCES, "Permission denied", "out/x"), 4),
        (FileExistsError(errno.EEXIST, "File exists", "out"), 2),
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "p.toml"), 2),
        (OSError(errno.EMFILE, "Too many open files", "out/x"), 4),
        (BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"), 4),
        (MemoryError(), 4),
        (RuntimeError("can't start new thread"), 4),
        (RuntimeError("something else"), 70),
        (ZeroDivisionError("division by zero"), 70),
    ],
)
def test_each_error_has_its_exit_status(error: Exception, status: int) -> None:
    assert status_of(error)[0] == status


def test_the_sentence_names_the_file_and_an_internal_error_says_how_to_see_more() -> None:
    assert "out/x" in status_of(OSError(errno.ENOSPC, "No space left on device", "out/x"))[1]
    assert "CUTOVER_DEBUG=1" in status_of(ZeroDivisionError("division by zero"))[1]


def test_the_exit_statuses_are_the_published_ones() -> None:
    assert {status.name: int(status) for status in Status} == {
        "GO": 0,
        "NO_GO": 1,
        "USAGE": 2,
        "INCONCLUSIVE": 3,
        "ENVIRONMENT": 4,
        "ROLLBACK": 5,
        "UNSIGNED": 6,
        "INTERNAL": 70,
        "INTERRUPTED": 130,
    }


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "--candidate", "v3"], "v1, v2"),
        (["run", "--stage", "7"], "0, 10, 50, 100"),
        (["run", "--trials", "0"], "--trials"),
        (["run", "--trials", "5", "--generated", "5"], "cannot both be given"),
        (["run", "--postgres", "postgresql://u:s3cret@h/d", "--postgres-mode", "embedded"], "cannot both be given"),
        (["run", "--only", "no-such-scenario"], "no-such-scenario"),
        (["run", "--scenarios", "no/such/file.json"], "no/such/file.json"),
        (["run", "--policy", "no/such/policy.toml"], "no/such/policy.toml"),
        (["run", "--nonsense"], "'cutover run --help'"),
        (["policy", "check"], "'cutover policy check --help'"),
        (["nonsense"], "nonsense"),
        (["report", "no/such/run"], "no/such/run"),
        (["crash", "--case", "nonsense"], "answer:3"),
        (["crash", "--case", "no-such-scenario@answer:3/once"], "--scenarios or --n8n"),
        (["crash", "--case", "03-data-flow@answer:3/once", "--limit", "5"], "--limit cannot be given"),
        (["crash", "--case", "03-data-flow@answer:3/once", "--ways", "all"], "--ways cannot be given"),
        (["crash", "--all"], "--case"),
        (["import", "camunda", ".", "--out", "x"], "camunda"),
        (["import", "n8n", "no/such/file.json", "--out", "x"], "no/such/file.json"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_sentence(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _outcome(arguments) == Status.USAGE
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("cutover: ")
    assert captured.err.count("\n") == 1
    assert said in captured.err
    assert "s3cret" not in captured.err


def test_a_policy_with_an_unknown_metric_is_refused_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policy = tmp_path / "odd.toml"
    policy.write_text(
        '[[criterion]]\nid = "x"\nwords = "x"\nsection = "x"\nmetric = "no_such_metric"\nstages = [0]\n',
        encoding="utf-8",
    )
    assert _outcome(["run", "--policy", str(policy)]) == Status.USAGE
    assert "odd.toml" in capsys.readouterr().err


def test_a_malformed_scenario_is_refused_by_its_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "broken.json").write_text('{"id": "x", "workflow": {"id": "x", "nodes": []}}', encoding="utf-8")
    assert _outcome(["run", "--scenarios", str(tmp_path)]) == Status.USAGE
    assert "broken.json" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["policy"]])
def test_a_command_without_its_subcommand_shows_its_help_and_nothing_else(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert _outcome(arguments) == Status.USAGE
    captured = capsys.readouterr()
    assert "Commands" in captured.out + captured.err
    assert "cutover: " not in captured.err


def test_an_exit_in_the_middle_of_a_command_is_no_verdict(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("cutover.harness.cli.jobs.run.run_job", lambda *_, **__: sys.exit(0))
    assert _outcome(["run"]) == Status.INTERNAL
    assert "exit(0)" in capsys.readouterr().err


def test_a_reader_that_goes_away_in_the_middle_is_no_verdict(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*_: object, **__: object) -> int:
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    monkeypatch.setattr("cutover.harness.cli.jobs.run.run_job", run)
    assert _outcome(["run"]) == Status.INTERRUPTED
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("name", "option"), [("policy.toml", "--policy"), ("waivers.toml", "--waivers")])
def test_a_file_that_is_no_utf8_is_refused_by_name(
    tmp_path: Path, name: str, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_bytes(b"a = 'caf\xe9'")
    assert _outcome(["run", option, str(tmp_path / name)]) == Status.USAGE
    assert f"{name} is not UTF-8 at byte 8" in capsys.readouterr().err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert _outcome(["--version"]) == 0
    assert capsys.readouterr().out.startswith("cutover 0.")


@pytest.mark.parametrize("command", ["run", "report", "import", "doctor"])
def test_help_of_every_command_has_examples(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert _outcome([command, "--help"]) == 0
    shown = capsys.readouterr().out
    assert "Examples" in shown
    assert f"cutover {command}" in shown


def test_problems_and_progress_go_to_stderr_and_data_to_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    emit("data")
    problem("went wrong")
    note("going on", quiet=False)
    note("hidden", quiet=True)
    captured = capsys.readouterr()
    assert captured.out == "data\n"
    assert captured.err == "cutover: went wrong\ngoing on\n"


def test_a_character_that_the_terminal_has_no_code_for_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw := io.BytesIO(), encoding="iso-8859-1"))
    emit("estável 🟢")
    assert raw.getvalue() == b"est\xe1vel \\U0001f7e2\n"


COMMAND = '"$0" -c "from cutover.harness.cli.main import main; main()"'


@pytest.mark.parametrize(
    ("arguments", "streams", "status"),
    [
        ("mutants --only no-such", "2>&-", Status.USAGE),
        ("mutants --only no-such", "2>/dev/full", Status.USAGE),
        ("policy check $1", ">&-", Status.GO),
        ("policy check $1", ">&- 2>&- <&-", Status.GO),
        ("policy check $1", ">/dev/full", Status.ENVIRONMENT),
    ],
)
def test_the_exit_status_is_the_same_where_nobody_can_be_told(arguments: str, streams: str, status: Status) -> None:
    policy = str(Path(cutover.harness.judge.policy.__file__).with_name("policy.toml"))
    command = ["/bin/sh", "-c", f"{COMMAND} {arguments} {streams}", sys.executable, policy]
    assert subprocess.run(command, capture_output=True, check=False).returncode == status


def test_without_a_terminal_progress_is_a_line_every_ten_seconds(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = iter([0.0, 1.0, 11.0, 12.0])
    monkeypatch.setattr("cutover.harness.cli.console.time", SimpleNamespace(monotonic=lambda: next(seconds)))
    with progress("trials", 4, quiet=False) as advance:
        for done in (1, 2, 3):
            advance(done)
    assert capsys.readouterr().err == "trials: 2 of 4 after 11 s, about 11 s left\n"


def test_on_a_terminal_progress_is_a_bar_and_quiet_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    monkeypatch.setenv("TERM", "xterm")
    with progress("trials", 2, quiet=False) as advance:
        advance(2)
    assert "2/2" in terminal.getvalue()
    monkeypatch.setattr(sys, "stderr", silent := Terminal())
    with progress("trials", 2, quiet=True) as advance:
        advance(2)
    assert silent.getvalue() == ""


FLOWS = ImportSource("n8n", Path("flows"))


def test_the_arguments_of_a_plan_ask_for_the_same_and_hold_no_url() -> None:
    plan = RunPlan(candidate="a.b:c", trials=7, seed=3, only=("x",), imports=(FLOWS,), deadline_s=5.0)
    assert plan.arguments() == (
        *("--control", "v1", "--candidate", "a.b:c", "--stage", "0", "--n8n", "flows", "--trials", "7", "--seed", "3"),
        *("--deadline", "5", "--only", "x"),
    )


def test_a_takeover_is_asked_for_again_where_it_is_not_the_usual_one() -> None:
    assert "--takeover" not in RunPlan(takeover_s=31.0).arguments()
    assert RunPlan(takeover_s=61.0).arguments()[-2:] == ("--takeover", "61")


def choose(
    *,
    paths: tuple[Path, ...] = (),
    trials: int | None = None,
    generated: int | None = None,
    only: tuple[str, ...] = (),
    seed: int = 1,
) -> tuple[tuple[Scenario, ...], list[str]]:
    said: list[str] = []
    chosen = select(paths=paths, imports=(), trials=trials, generated=generated, seed=seed, only=only, say=said.append)
    return chosen, said


def test_by_default_the_catalog_comes_first_and_600_generated_ones_on_top() -> None:
    chosen, said = choose()
    catalog = load_catalog()
    assert len(chosen) - len(catalog) == DEFAULT_DRAWN == 600
    assert chosen[: len(catalog)] == catalog
    assert {scenario.origin for scenario in chosen[len(catalog) :]} == {"generated"}
    assert len({scenario.id for scenario in chosen}) == len(chosen)
    assert len({content_of(scenario) for scenario in chosen[len(catalog) :]}) >= 598
    assert said == []


def test_the_same_seed_chooses_the_same_and_another_seed_others() -> None:
    assert choose(generated=10) == choose(generated=10)
    assert choose(generated=10) != choose(generated=10, seed=2)


def test_fewer_trials_than_the_catalog_has_are_said_to_leave_some_out() -> None:
    chosen, said = choose(trials=3)
    assert chosen == load_catalog()[:3]
    assert len(said) == 1
    assert "leaves out" in said[0]


def test_named_files_come_instead_of_the_catalog_and_only_keeps_one(tmp_path: Path) -> None:
    made = [generate(random.Random(number), number) for number in (1, 2, 3)]  # noqa: S311 - not secret
    for scenario in made:
        (tmp_path / f"{scenario.id}.json").write_text(dumps(scenario), encoding="utf-8")
    chosen, _ = choose(paths=(tmp_path,))
    assert {scenario.id for scenario in chosen} == {scenario.id for scenario in made}
    alone, _ = choose(paths=(tmp_path,), only=(made[1].id,))
    assert [scenario.id for scenario in alone] == [made[1].id]


def test_a_scenario_that_is_there_twice_runs_once_and_two_of_one_id_are_refused(tmp_path: Path) -> None:
    scenario = generate(random.Random(1), 1)  # noqa: S311 - not secret
    for name in ("a", "b"):
        (tmp_path / f"{name}.json").write_text(dumps(scenario), encoding="utf-8")
    chosen, said = choose(paths=(tmp_path / "a.json", tmp_path / "b.json"))
    assert chosen == (scenario,)
    assert said == [f"scenario {scenario.id} is there twice, and runs once"]
    (tmp_path / "b.json").write_text(dumps(replace(scenario, title="another")), encoding="utf-8")
    with pytest.raises(UsageProblem, match=scenario.id):
        choose(paths=(tmp_path / "a.json", tmp_path / "b.json"))


@pytest.mark.parametrize(
    ("plan", "long"),
    [
        (RunPlan(), True),
        (RunPlan(crash_budget_s=60), True),
        (RunPlan(crash_budget_s=29), False),
        (RunPlan(skip=(PlayedPart.CRASHES,)), False),
    ],
)
def test_what_takes_long_is_played_beside_crash_cases_that_take_as_long(plan: RunPlan, *, long: bool) -> None:
    assert plan.plays_long is long


@pytest.mark.parametrize(("given", "usual", "most"), [(None, 30.0, 120.0), (30.0, 30.0, 30.0), (0.0, 0.0, 0.0)])
def test_a_crash_budget_that_is_given_is_kept_to(given: float | None, usual: float, most: float) -> None:
    plan = RunPlan(crash_budget_s=given)
    assert (plan.crash_usual_s, plan.crash_most_s) == (usual, most)
    assert ("--crash-budget" in plan.arguments()) == (given is not None)
