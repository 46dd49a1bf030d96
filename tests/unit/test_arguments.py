"""The public functions refuse what the command line refuses, before anything starts, and speak of their parameters."""

from __future__ import annotations

import inspect
import math
from pathlib import Path
from typing import Any

import pytest
import typer

import cutover
from cutover.harness.arguments import public
from cutover.harness.cli import limits
from cutover.harness.cli.app import app
from cutover.harness.cli.commands.crash import crash
from cutover.harness.cli.commands.run import run
from cutover.harness.errors import EnvironmentProblem, UsageProblem

EVERYWHERE = [
    ({"seed": -1}, "seed is -1, and must be at least 0"),
    ({"seed": 1.5}, "seed is 1.5, and not a whole number"),
    ({"seed": True}, "seed is True, and not a whole number"),
    ({"workers": -1}, "workers is -1, and must be at least 1"),
    ({"workers": 0}, "workers is 0, and must be at least 1"),
    ({"deadline_s": 0}, "deadline_s is 0.0, and must be at least 0.1"),
    ({"deadline_s": -1}, "deadline_s is -1.0, and must be at least 0.1"),
    ({"deadline_s": math.nan}, "deadline_s is nan, and not a number of seconds"),
    ({"deadline_s": math.inf}, "deadline_s is inf, and not a number of seconds"),
    ({"deadline_s": "30"}, "deadline_s is '30', and not a number of seconds"),
    ({"scenarios": "abc"}, "scenarios is 'abc', and not a list; give ['abc'] for one"),
    ({"scenarios": Path("abc")}, "scenarios is PosixPath('abc'), and not a list"),
    ({"scenarios": None}, "scenarios is None, and not a list"),
    ({"scenarios": [3]}, "scenarios is 3, and not a path"),
    ({"scenarios": ["nowhere"]}, "nowhere: no such file or folder; scenarios takes scenario files or folders of them"),
    ({"folder": 3}, "folder is 3, and not a path"),
    ({"postgres": "docker"}, "postgres is 'docker', and not one of auto, container, embedded"),
    (
        {"postgres": "url"},
        "postgres is 'url', and not one of auto, container, embedded; a server's URL is given as url",
    ),
    ({"isolation": "process"}, "isolation is 'process', and not one of runner, case"),
    ({"url": 5432}, "url is 5432, and not a text"),
    ({"url": "postgresql://h/d", "postgres": "embedded"}, "url and postgres embedded cannot both be given"),
]
OF_A_RUN = [
    ({"trials": -3}, "trials is -3, and must be at least 1"),
    ({"trials": 0}, "trials is 0, and must be at least 1"),
    ({"trials": 2.5}, "trials is 2.5, and not a whole number"),
    ({"trials": "40"}, "trials is '40', and not a whole number"),
    ({"workers": 257}, "workers is 257, and may be 256 at most"),
    ({"crash_budget_s": -1}, "crash_budget_s is -1.0, and must be at least 0"),
    ({"crash_budget_s": math.nan}, "crash_budget_s is nan, and not a number of seconds"),
    ({"stage": 7}, "stage 7: the policy has no such stage"),
    ({"stage": "10"}, "stage is '10', and not a whole number"),
    ({"control": None}, "control is None, and not a text"),
    ({"candidate": "v3"}, "unknown engine 'v3'"),
    ({"policy": "nope.toml"}, "nope.toml cannot be read: No such file or directory"),
    ({"policy": "/"}, "/ is a folder, and not a file"),
    ({"waivers": "nope.toml"}, "nope.toml cannot be read: No such file or directory"),
    ({"plays": ["nothing"]}, "plays nothing: no such play; there are "),
    ({"plays": "twice"}, "plays is 'twice', and not a list"),
    ({"generated": -1}, "generated is -1, and must be at least 0"),
    ({"only": ["nothing"], "scenarios": ()}, "only"),
    ({"skip": ["trials"]}, "skip trials: no such part; there are routing, memory, plays, costs, crashes"),
    ({"skip": "costs"}, "skip is 'costs', and not a list"),
    ({"waivers": 3}, "waivers is 3, and not a path"),
]
OF_CRASHES = [
    ({"limit": 0}, "limit is 0, and must be at least 1"),
    ({"limit": -1}, "limit is -1, and must be at least 1"),
    ({"workers": 65}, "workers is 65, and may be 64 at most"),
    ({"takeover_s": -1}, "takeover_s is -1.0, and must be at least 0"),
    ({"takeover_s": math.nan}, "takeover_s is nan, and not a number of seconds"),
    ({"ways": "basic"}, "ways is 'basic', and not a list; give ['basic'] for one"),
    ({"ways": ["sideways"]}, "ways sideways: no such way; there are basic, all, once"),
    ({"ways": [1]}, "ways is 1, and not a text"),
    ({"only": "01-one-activity"}, "only is '01-one-activity', and not a list"),
    ({"only": ["no-such"]}, "only no-such: no scenario of this run has that id"),
    ({"engine": None}, "engine is None, and not a text"),
]


def refused(function: Any, **arguments: Any) -> str:
    with pytest.raises(cutover.CutoverError) as caught:
        function(**arguments)
    return str(caught.value)


@pytest.mark.parametrize(("arguments", "said"), [*EVERYWHERE, *OF_A_RUN])
def test_a_run_is_refused(tmp_path: Path, arguments: dict[str, Any], said: str) -> None:
    told = refused(cutover.run_trials, **{"folder": tmp_path / "run", "postgres": "embedded", **arguments})
    assert told.startswith(said)
    assert "--" not in told
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("arguments", "said"), [*EVERYWHERE, *OF_CRASHES])
def test_crashes_are_refused(tmp_path: Path, arguments: dict[str, Any], said: str) -> None:
    told = refused(cutover.crash_engine, **{"folder": tmp_path / "run", "postgres": "embedded", **arguments})
    assert told.startswith(said)
    assert "--" not in told
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"policy": "nope.toml"}, "nope.toml cannot be read: No such file or directory"),
        ({"policy": "/"}, "/ is a folder, and not a file"),
        ({"policy": 3}, "policy is 3, and not a path"),
        ({"stage": 101}, "stage is 101, and may be 100 at most"),
        ({"folder": None}, "folder is None, and not a path"),
        ({"folder": ""}, "folder is '', and not a path"),
    ],
)
def test_judging_is_refused(tmp_path: Path, arguments: dict[str, Any], said: str) -> None:
    (tmp_path / "manifest.json").write_text("{}")
    assert refused(cutover.judge_run, **{"folder": tmp_path, "stage": 0, **arguments}).startswith(said)


@pytest.mark.parametrize("spec", [None, 3, b"v2", ["v2"]])
def test_what_is_not_a_text_names_no_engine(spec: Any) -> None:
    assert f"not by {spec!r}" in refused(cutover.resolve, spec=spec)
    assert refused(cutover.read_report, file=None) == "file is None, and not a path"


COMMAND_LIMITS = {
    ("run", "stage"): (0, 100),
    ("run", "trials"): (1, 100_000),
    ("run", "generated"): (0, 100_000),
    ("run", "seed"): (0, 2**63 - 1),
    ("run", "workers"): (1, 256),
    ("run", "deadline"): (0.1, 86_400),
    ("run", "crash_budget"): (0, 604_800),
    ("run", "takeover"): (0, 31_536_000),
    ("crash", "generated"): (0, 100_000),
    ("crash", "seed"): (0, 2**63 - 1),
    ("crash", "limit"): (1, 1_000_000),
    ("crash", "workers"): (1, 64),
    ("crash", "deadline"): (0.1, 86_400),
    ("crash", "takeover"): (0, 31_536_000),
}


def test_the_command_line_has_the_same_limits() -> None:
    parsers = {
        (name, parameter.name): option.parser
        for name, command in (("run", run), ("crash", crash))
        for parameter in inspect.signature(command).parameters.values()
        for option in getattr(parameter.annotation, "__metadata__", ())
        if option.parser is not None
    }
    assert parsers.keys() == COMMAND_LIMITS.keys()
    for key, (least, most) in COMMAND_LIMITS.items():
        assert parsers[key](str(least)) == least
        assert parsers[key](str(most)) == most
        with pytest.raises(typer.BadParameter, match=f"and must be at least {least}"):
            parsers[key](str(least - 1))
        with pytest.raises(typer.BadParameter, match=f"and may be {most} at most"):
            parsers[key](str(most + 1))


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1_0", " 10", "\u0663", "0x10", "1.", "1,5", "", "9" * 400])
@pytest.mark.parametrize(
    "command",
    [["run", "--deadline"], ["run", "--crash-budget"], ["crash", "--takeover"], ["policy", "simulate", "--errors"]],
)
def test_the_command_line_takes_no_number_that_is_not_written_as_one(command: list[str], value: str) -> None:
    with pytest.raises(Exception, match=r"and not a number (from|of)"):
        app([*command, value], standalone_mode=False)


@pytest.mark.parametrize("value", ["1_0", " 10", "\u0663", "0x10", "1.0", "1e3", "", "+1", "9" * 400])
@pytest.mark.parametrize(
    "command",
    [
        ["run", "--seed"],
        ["run", "--stage"],
        ["crash", "--limit"],
        ["mutants", "--seeds"],
        ["policy", "simulate", "--runs"],
    ],
)
def test_the_command_line_takes_no_whole_number_that_is_not_written_as_one(command: list[str], value: str) -> None:
    with pytest.raises(Exception, match="and not a whole number from"):
        app([*command, value], standalone_mode=False)


def test_numbers_of_other_kinds_are_read_where_they_are_whole() -> None:
    class Whole:
        def __index__(self) -> int:
            return 5

    assert limits.TRIALS.read(Whole()) == 5
    assert limits.DEADLINE_S.read(1) == 1.0


def test_errors_of_the_machine_are_errors_of_ours_and_faults_of_ours_stay_what_they_are() -> None:
    @public
    def fail(error: Exception) -> None:
        raise error

    with pytest.raises(EnvironmentProblem, match=r"limit of this machine is reached: .* or give fewer workers"):
        fail(MemoryError())
    with pytest.raises(UsageProblem, match=r"^out of words: folder, stage; --unknown stays, --onlyish too$"):
        fail(UsageProblem("out of words: --out, --stage; --unknown stays, --onlyish too"))
    with pytest.raises(ZeroDivisionError):
        fail(ZeroDivisionError())
