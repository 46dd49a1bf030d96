"""Wrong engines: each is V2 with one fault, and `cutover run` catches each by the check that is there for it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from cutover.harness.cli.main import _outcome
from cutover.harness.judge.checks import CHECKS
from cutover.harness.judge.crash.checks import CRASH_CHECKS
from cutover.harness.judge.flag import FLAG
from cutover.harness.run.postgres.server import Server

WRONG = '''
"""V2 with one fault each: what it hands to the world, or what it says it committed, is not what it should be."""

from dataclasses import replace

from cutover.engines.api import Journal
from cutover.engines.errors import ActivityError
from cutover.engines.registry import resolve


class Faulty:
    def __init__(self, engine, change):
        self._engine, self._change = engine, change
        self.name = engine.name

    def __getattr__(self, name):
        return getattr(self._engine, name)

    def journal(self, execution_id):
        return self._change(self._engine.journal(execution_id))


class World:
    def __init__(self, world, call):
        self._world, self.call = world, lambda asked: call(world, asked)


def telling(context, change):
    return Faulty(resolve("v2")(context), change)


def asking(context, call):
    return resolve("v2")(replace(context, activities=World(context.activities, call)))


def right(context):
    return telling(context, lambda journal: journal)


def another_output(context):
    def change(journal):
        execution = journal.execution
        return journal if execution.output is None else replace(journal, execution=replace(execution, output="7"))

    return telling(context, change)


def loses_event(context):
    return telling(context, lambda journal: replace(journal, events=(*journal.events[:2], *journal.events[3:])))


def skips_version(context):
    def change(journal):
        if len(journal.checkpoints) < 2:
            return journal
        *rest, last = journal.checkpoints
        execution = replace(journal.execution, version=last.version + 1)
        return replace(journal, execution=execution, checkpoints=(*rest, replace(last, version=last.version + 1)))

    return telling(context, change)


def repeats_step(context):
    def call(world, asked):
        keyless = replace(asked, idempotency_key=None)
        world.call(keyless)
        return world.call(keyless)

    return asking(context, call)


def retries_what_may_not_be(context):
    def call(world, asked):
        try:
            return world.call(asked)
        except ActivityError as error:
            if error.retryable:
                raise
            return world.call(replace(asked, attempt=asked.attempt + 1))

    return asking(context, call)


LAST = {}


def shares_context(context):
    def call(world, asked):
        foreign = LAST.get("input", asked.input)
        LAST["input"] = asked.input
        return world.call(replace(asked, input=foreign))

    return asking(context, call)
'''


AGAINST_THE_MODEL = {"v1": {"BOTH_WRONG"}, "v2": set[str]()}
"""What is left between an engine and itself: where V1 breaks the reference model, both of its arms do."""


def judged(server: Server, tmp_path: Path, candidate: str, *options: str) -> tuple[int, dict[str, str]]:
    """The exit status, and the verdict of every check, of a run of the whole catalog."""
    arguments = ["run", "--generated", "0", "--candidate", f"wrong_engines:{candidate}", "--postgres", server.dsn]
    status = _outcome([*arguments, "--crash-budget", "0", "--out", str(tmp_path / "run"), "--quiet", *options])
    document = json.loads((tmp_path / "run/report.json").read_text("utf-8"))
    return status, {check["check"]: check["verdict"] for check in document["checks"]}


@pytest.fixture(autouse=True)
def importable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "wrong_engines.py").write_text(WRONG, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "wrong_engines", raising=False)


@pytest.mark.parametrize(
    ("candidate", "check"),
    [
        ("another_output", "OUT"),
        pytest.param("loses_event", "EVT", marks=pytest.mark.nightly),
        pytest.param("skips_version", "CKPT", marks=pytest.mark.nightly),
        pytest.param("repeats_step", "DUP", marks=pytest.mark.nightly),
        pytest.param("retries_what_may_not_be", "RETRY", marks=pytest.mark.nightly),
        pytest.param("shares_context", "ISO", marks=pytest.mark.nightly),
    ],
)
def test_a_wrong_engine_is_no_go_by_the_check_that_is_there_for_it(
    server: Server, tmp_path: Path, candidate: str, check: str
) -> None:
    status, verdicts = judged(server, tmp_path, candidate, "--skip", "routing,memory,plays,costs")
    assert status == 1
    assert verdicts[check] == "FAIL"


@pytest.mark.nightly
def test_the_same_wrapping_without_a_fault_breaks_no_check(server: Server, tmp_path: Path) -> None:
    status, verdicts = judged(server, tmp_path, "right")
    assert status == 3
    nobody_was_killed = dict.fromkeys(CRASH_CHECKS, "INCONCLUSIVE")
    assert verdicts == dict.fromkeys((*CHECKS, FLAG, "SIGNAL", "INSTALL", "READ"), "PASS") | nobody_was_killed


@pytest.mark.parametrize(
    ("engine", "trials", "status"),
    [
        pytest.param("v2", 100, 3, marks=pytest.mark.nightly),
        pytest.param("v1", 100, 1, marks=pytest.mark.nightly),
        pytest.param("v2", 729, 0, marks=pytest.mark.nightly),
        pytest.param("v1", 729, 1, marks=pytest.mark.nightly),
    ],
)
def test_an_engine_differs_from_itself_in_nothing(
    server: Server, tmp_path: Path, engine: str, trials: int, status: int
) -> None:
    arguments = ["run", "--control", engine, "--candidate", engine, "--trials", str(trials), "--postgres", server.dsn]
    options = ("--skip", "routing,memory,plays,costs,crashes") if trials < 600 else ("--crash-budget", "60")
    assert _outcome([*arguments, *options, "--out", str(tmp_path / "run"), "--quiet"]) == status
    document = json.loads((tmp_path / "run/report.json").read_text("utf-8"))
    assert {group["class"] for group in document["differences"]} == AGAINST_THE_MODEL[engine]
