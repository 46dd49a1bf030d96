"""Child processes that share out jobs: what becomes of each job, and of each child."""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from cutover.engines.registry import sources_of
from cutover.harness.errors import EnvironmentProblem, OtherSources, RunError
from cutover.harness.run.process.child import ChildProgram
from cutover.harness.run.process.executor import Executor
from cutover.harness.run.process.outcomes import JobAnswer, JobFailure, JobLost, JobNote, JobOutcome

PROGRAMS = '''
import json, os, signal, sys, tempfile, time
from pathlib import Path

from cutover.harness.errors import EnvironmentProblem, RunError
from cutover.harness.run.process.lifetime import marked_folder


class OutOfRoom(EnvironmentProblem):
    pass


def works(link):
    """Does what each job says, and answers with its process id."""

    def play(job):
        match job:
            case "note":
                link.note(b"half")
            case "ask":
                link.ask(b"permission")
            case "refuse":
                raise OutOfRoom("no room")
            case "break":
                raise ZeroDivisionError("by zero")
            case "exit":
                print("last words", file=sys.stderr)
                os._exit(3)
            case "die" | "end" | "crash":
                os.kill(os.getpid(), {"die": signal.SIGKILL, "end": signal.SIGTERM, "crash": signal.SIGSEGV}[job])
            case "hang":
                signal.pause()
            case "sockets":
                marked_folder()
            case "read":
                print("noise")
                return json.dumps(sys.stdin.read()).encode()
            case "long":
                return b"x" * 1_000_000
            case "path":
                found = [sys.path, sys.flags.safe_path, os.environ.get("PYTHONPATH")]
                return json.dumps(found).encode()
        return str(os.getpid()).encode()

    link.serve(play, caught=(EnvironmentProblem,))


def unwinds(link):
    """Leaves a file beside the one that it is told of, whatever ends it in an orderly way."""

    def play(job):
        link.note(b"begun")
        while True:
            try:
                time.sleep(60)
            except Exception:
                pass

    try:
        link.serve(play)
    finally:
        Path(link.setup).touch()


def forgets_sockets(link):
    def play(job):
        marked_folder()
        link.note(str(os.getpid()).encode())
        signal.pause()

    link.serve(play)


def refuses_to_start(link):
    sys.exit("cannot be")
'''


@pytest.fixture(autouse=True)
def importable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cutover_children.py").write_text(PROGRAMS)
    monkeypatch.syspath_prepend(str(tmp_path))


def works(count: int = 1, **options: Any) -> Executor[str]:
    program = ChildProgram("cutover_children:works", None, keeps_errors=True)
    return Executor[str]([program] * count, lambda job, _told: job, **options)


def heard(executor: Executor[str], *jobs: str) -> list[JobOutcome[str]]:
    return list(executor.run(jobs))


def answers(outcomes: Sequence[JobOutcome[str]]) -> list[str]:
    return [outcome.line.decode() for outcome in outcomes if isinstance(outcome, JobAnswer)]


def children() -> set[str]:
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text("ascii").split())


def test_jobs_are_shared_out_and_no_child_is_left() -> None:
    before = children()
    with works(2) as executor:
        outcomes = heard(executor, *["work"] * 40)
        assert {type(outcome) for outcome in outcomes} == {JobAnswer}
        assert len(outcomes) == 40
        assert set(answers(outcomes)) <= children() - before
        assert answers(heard(executor, "work"))[0] in answers(outcomes)
    assert children() == before


def test_a_job_is_drawn_when_a_child_is_free_for_it() -> None:
    drawn = 0

    def jobs() -> Iterator[str]:
        nonlocal drawn
        while True:
            drawn += 1
            yield "work"

    with works(2) as executor:
        running = executor.run(jobs())
        for _ in range(5):
            next(running)
        assert drawn <= 5 + 2 + 2


def test_notes_come_before_the_answer_and_a_long_line_comes_whole() -> None:
    with works() as executor:
        noted, answered, long = heard(executor, "note", "long")
    assert isinstance(noted, JobNote)
    assert (noted.job, noted.line) == ("note", b"half")
    assert isinstance(answered, JobAnswer)
    assert isinstance(long, JobAnswer)
    assert long.line == b"x" * 1_000_000


def test_a_question_is_put_to_the_parent_which_the_child_waits_for() -> None:
    asked: list[bytes] = []
    with works(on_question=asked.append) as executor:
        assert len(answers(heard(executor, "ask"))) == 1
    assert asked == [b"permission"]


def test_an_error_is_known_by_its_kind_and_the_child_goes_on() -> None:
    with works() as executor:
        first, refused, last = heard(executor, "work", "refuse", "work")
    assert isinstance(refused, JobFailure)
    assert str(refused) == "OutOfRoom: no room"
    assert refused.kind((RunError, EnvironmentProblem)) is EnvironmentProblem
    assert refused.kind((RunError,)) is None
    assert "cutover_children.py" in refused.trace
    assert answers([first]) == answers([last])


@pytest.mark.parametrize(
    ("job", "status", "outside", "said"),
    [
        ("exit", 3, False, "exit status 3: last words"),
        ("die", -signal.SIGKILL, True, "signal 9"),
        ("end", -signal.SIGTERM, True, "signal 15"),
        ("crash", -signal.SIGSEGV, False, "signal 11"),
        ("break", 1, False, "exit status 1: .*ZeroDivisionError: by zero"),
    ],
)
def test_a_child_that_ends_costs_its_job_and_another_does_the_rest(
    job: str, status: int, said: str, *, outside: bool
) -> None:
    with works() as executor:
        first, lost, last = heard(executor, "work", job, "work")
    assert isinstance(lost, JobLost)
    assert (lost.job, lost.reason, lost.exit.status, lost.exit.killed_from_outside) == (job, "died", status, outside)
    assert re.fullmatch(said, str(lost.exit))
    assert answers([first]) != answers([last])


def test_a_child_that_says_nothing_is_killed_and_its_job_may_be_put_back() -> None:
    with works(2, silence_s=20.0, start_s=0.5) as executor:
        outcomes = []
        for outcome in executor.run(["hang", "work"]):
            outcomes.append(outcome)
            if isinstance(outcome, JobLost):
                executor.put_back("note")
    [lost] = [outcome for outcome in outcomes if isinstance(outcome, JobLost)]
    assert (lost.job, lost.reason, lost.exit.killed_from_outside) == ("hang", "timeout", False)
    assert sorted(outcome.job for outcome in outcomes if isinstance(outcome, JobAnswer)) == ["note", "work"]


def test_a_child_that_does_not_start_loses_its_first_job() -> None:
    program = ChildProgram("cutover_children:refuses_to_start", None, keeps_errors=True)
    with Executor[str]([program], lambda job, _told: job) as executor:
        [lost] = heard(executor, "work")
    assert isinstance(lost, JobLost)
    assert (lost.job, str(lost.exit)) == ("work", "exit status 1: cannot be")


def test_the_answer_to_an_abandoned_job_is_nobody_s() -> None:
    with works(2) as executor:
        for _outcome in executor.run(["work", "note"] * 5):
            break
        outcomes = heard(executor, "long", "long", "long")
        assert [outcome.job for outcome in outcomes] == ["long"] * 3
        assert len(list(executor.run(["long"] * 3, most=1))) == 3


def test_an_engine_s_noise_and_hunger_do_not_touch_the_line() -> None:
    with works() as executor:
        assert answers(heard(executor, "read", "read")) == ['""', '""']


def test_one_that_unwinds_is_asked_to_end_in_the_middle_of_a_job(tmp_path: Path) -> None:
    mark = tmp_path / "unwound"
    program = ChildProgram("cutover_children:unwinds", str(mark), unwinds=True)
    with Executor[str]([program], lambda job, _told: job) as executor:
        [begun] = [next(executor.run(["work"]))]
        assert isinstance(begun, JobNote)
        assert not mark.exists()
    assert mark.exists()


def test_the_sockets_of_one_that_was_killed_are_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        monkeypatch.setenv("TMPDIR", folder)
        monkeypatch.setattr(tempfile, "tempdir", folder)
        with works() as executor:
            heard(executor, "sockets")
            assert len(list(Path(folder).iterdir())) == 1
            heard(executor, "die")
            assert list(Path(folder).iterdir()) == []


PARENT = """
import os, signal, sys
from cutover.harness.run.process.child import ChildProgram
from cutover.harness.run.process.executor import Executor
program = ChildProgram(sys.argv[1], None, unwinds=sys.argv[1].endswith("sockets"))
executor = Executor([program], lambda job, _told: job)
print(next(executor.run(["work"])).line.decode(), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("program", ["works", "forgets_sockets"])
def test_no_child_and_no_socket_outlives_a_parent_that_was_killed(program: str, tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        variables = {"TMPDIR": folder, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
        command = [sys.executable, "-c", PARENT, f"cutover_children:{program}"]
        with subprocess.Popen(command, env={**os.environ, **variables}, stdout=subprocess.PIPE) as parent:
            assert parent.stdout is not None
            child = int(parent.stdout.readline())
        assert parent.returncode == -signal.SIGKILL
        with contextlib.suppress(ProcessLookupError):
            handle = os.pidfd_open(child)
            assert select.select([handle], [], [], 60)[0]
            os.close(handle)
        assert list(Path(folder).iterdir()) == []


def test_a_child_looks_for_modules_as_its_parent_does_but_in_the_current_folder_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    before = list(dict.fromkeys(entry for entry in sys.path if entry))  # a child is told each once
    monkeypatch.setattr(sys, "path", ["", str(here), "src", "/opt/first", *before, "/opt/last"])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["", ".", "src", str(tmp_path)]))
    with works() as executor:
        [answer] = heard(executor, "path")
    assert isinstance(answer, JobAnswer)
    path, safe, inherited = json.loads(answer.line)
    assert safe is True
    assert path == [str(here / "src"), "/opt/first", *before, "/opt/last", str(here)]
    assert inherited == os.pathsep.join([str(here / "src"), str(tmp_path)])


def test_a_child_loads_the_cutover_of_its_parent_whatever_else_has_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cutover").mkdir()
    (tmp_path / "cutover" / "__init__.py").write_text("raise AssertionError('another one')")
    monkeypatch.syspath_prepend(str(tmp_path))
    with works() as executor:
        assert [type(outcome) for outcome in heard(executor, "path")] == [JobAnswer]


def test_a_child_with_other_sources_of_an_engine_refuses_its_first_job() -> None:
    v2 = sources_of("v2")
    with Executor[str]([ChildProgram("cutover_children:works", None, sources=v2)], lambda job, _told: job) as executor:
        assert [type(outcome) for outcome in executor.run(["path"])] == [JobAnswer]
    for sources, said in (
        ({**v2, "v1": "0" * 64}, "engine 'v1': a child process loads"),
        ({"v3": ""}, "unknown engine"),
    ):
        program = ChildProgram("cutover_children:works", None, sources=sources)
        with Executor[str]([program], lambda job, _told: job) as executor:
            outcome = next(iter(executor.run(["path"])))
        assert isinstance(outcome, JobFailure)
        assert outcome.kind((OtherSources,)) is OtherSources
        assert outcome.message.startswith(said)
