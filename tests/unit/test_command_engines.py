"""An engine in a process of its own: what it says is carried over whole, and what is wrong is one clear sentence."""

from __future__ import annotations

import json
import os
import select
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from uuid import UUID

import pytest

from cutover.engines.api import ActivityCall, ActivityResult, EngineContext
from cutover.engines.byprocess.engine import ForeignEngine, ForeignError
from cutover.engines.byprocess.factory import factory_of
from cutover.engines.byprocess.faults import BrokenProtocol, EngineGone
from cutover.engines.byprocess.lifeline import started_here
from cutover.engines.byprocess.settings import engine_settings
from cutover.engines.errors import ActivityError, ExecutionHeld
from cutover.engines.registry import BrokenEngine, describe
from cutover.harness.run.process.refusal import is_of_the_machine, refusal_of
from cutover.harness.run.world.clock import EPOCH, VirtualClock

PROGRAM = Path(__file__).parents[1] / "programs/broken.py"
EXECUTION = UUID("00000000-0000-4000-8000-000000000001")


def spec_of(way: str) -> str:
    return f"command:{sys.executable} -S -E {PROGRAM} '{way}'"


class Outside:
    """Answers every call, and keeps what it was asked and told."""

    def __init__(self) -> None:
        self.calls: list[ActivityCall] = []
        self.lines: list[str] = []
        self.fails = False

    def call(self, call: ActivityCall) -> ActivityResult:
        self.calls.append(call)
        if self.fails:
            raise ActivityError("no money", retryable=False)
        return ActivityResult(output={"zero": -0.0, "text": "\ud800\0"}, ports=("out", "also"))


def engine_of(way: str, outside: Outside, ready_s: float, answer_s: float) -> ForeignEngine:
    settings = engine_settings(spec_of(way))
    assert settings is not None
    context = EngineContext(dsn="", activities=outside, clock=VirtualClock(), log=outside.lines.append)
    return factory_of(replace(settings, ready_timeout_s=ready_s, answer_timeout_s=answer_s))(context)


@pytest.fixture
def outside() -> Outside:
    return Outside()


@pytest.fixture
def engine(outside: Outside) -> Iterator[Callable[..., ForeignEngine]]:
    made: list[ForeignEngine] = []

    def make(way: str, ready_s: float = 10, answer_s: float = 60) -> ForeignEngine:
        made.append(engine_of(way, outside, ready_s, answer_s))
        return made[-1]

    yield make
    for each in made:
        each.close()
    assert not started_here()


@pytest.mark.parametrize(
    ("way", "told"),
    [
        ("exits at once", r"at hello: its process ended: exit status 3; its last words: no \\x1b\[31mlicence$"),
        ("noise", r"not a message of the protocol: 'Listening on port 3000'; messages alone go there"),
        ("another version", "speaks version 2 of the protocol; 1 is spoken here"),
        ("no name", "is wrong: hello.name: "),
        ("not a hello", "answered `hello` with `done`"),
        ("leaves its output to a child", "at hello: its process ended: exit status 3"),
    ],
)
def test_what_is_no_engine_is_refused_before_anything_runs(way: str, told: str) -> None:
    with pytest.raises(BrokenEngine, match=told) as caught:
        describe(spec_of(way))
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(f"engine {spec_of(way)!r}, ")
    assert not started_here()


def test_a_command_that_does_not_exist_is_named() -> None:
    with pytest.raises(
        BrokenEngine, match="its command cannot be started: No such file or directory: 'no-such-program'"
    ):
        describe("command:no-such-program --x")


def test_one_that_never_says_hello_is_given_up(engine: Callable[..., ForeignEngine]) -> None:
    with pytest.raises(EngineGone, match=r"at hello: its process says nothing for 0.2 s"):
        _ = engine("never answers", ready_s=0.2).name


def test_logs_are_no_hello_and_no_answer(engine: Callable[..., ForeignEngine]) -> None:
    with pytest.raises(EngineGone, match=r"at hello: its process says nothing but logs for 0.3 s"):
        _ = engine("logs before its hello", ready_s=0.3).name
    with pytest.raises(EngineGone, match=r"at cancel: its process says nothing but logs for 0.3 s"):
        engine("only logs", answer_s=0.3).cancel(EXECUTION)


@pytest.mark.parametrize(
    ("way", "told"),
    [
        ("answers another", "it answered command 2, which it was not sent"),
        ("dies in a line", "its process ended in the middle of a line: exit status 0"),
        ("is killed", "its process ended: signal SIGKILL"),
        ("100 MB", "it wrote a line of more than 67,108,864 bytes"),
        ("unknown key", "is wrong: done.resultt: Unexpected keyword argument"),
        ("not json inside", "the input of its call is not JSON"),
        ("an open id", "it sent `sleep` with the id 7, which is open already"),
        ("a result", "it answered `install` with a result; only `journal` has one"),
        ("half a key", r"is wrong: idempotency_key has half a character \(a lone surrogate\)"),
    ],
)
def test_a_broken_answer_fails_the_command(way: str, told: str, engine: Callable[..., ForeignEngine]) -> None:
    broken = engine(way)
    with pytest.raises((BrokenProtocol, EngineGone), match=f", at install: .*{told}") as caught:
        broken.install()
    assert is_of_the_machine(refusal_of(caught.value)) is (way == "is killed")
    assert broken.name == "broken"  # by another process: the worker was started again


def test_silence_at_a_command_has_an_end(engine: Callable[..., ForeignEngine]) -> None:
    with pytest.raises(EngineGone, match=r"at cancel: its process says nothing for 0.2 s"):
        engine("says nothing", answer_s=0.2).cancel(EXECUTION)


def test_what_was_not_asked_for_is_told_at_the_next_command(engine: Callable[..., ForeignEngine]) -> None:
    for way, told in (
        ("answers twice", r"answered command \d+ twice"),
        ("a call too many", "sent `call` while no command"),
    ):
        broken = engine(way)
        broken.install()
        with pytest.raises(BrokenProtocol, match=told):
            broken.install()


def test_calls_sleeps_and_payloads_go_over_as_they_are(engine: Callable[..., ForeignEngine], outside: Outside) -> None:
    engine("calls").install()
    assert [call.input for call in outside.calls] == [{"big": 12345678901234567890}]
    assert (outside.calls[0].step_id, outside.calls[0].attempt, outside.calls[0].idempotency_key) == ("pay", 1, "k")
    answered, slept = json.loads(outside.lines[0])
    assert (answered["id"], slept["id"]) == (7, 8)
    assert answered["output"] == '{"zero":-0.0,"text":"\\ud800\\u0000"}'
    assert answered["ports"] == ["out", "also"]
    assert datetime.fromisoformat(answered["now"]) == EPOCH
    assert (datetime.fromisoformat(slept["now"]) - EPOCH).total_seconds() == 5


def test_several_calls_are_open_at_once_and_an_id_may_come_again(
    engine: Callable[..., ForeignEngine], outside: Outside
) -> None:
    engine("two at once").install()
    assert [call.step_id for call in outside.calls] == ["pay"] * 3
    assert outside.lines == ["both", "[7, 8]"]


def test_a_failed_activity_is_told_as_it_failed(engine: Callable[..., ForeignEngine], outside: Outside) -> None:
    outside.fails = True
    engine("calls").install()
    answered = json.loads(outside.lines[0])[0]
    assert answered["error"] == {"message": "no money", "retryable": False}
    assert answered["output"] is None


def test_errors_have_the_contract_s_type_or_their_own_words(engine: Callable[..., ForeignEngine]) -> None:
    with pytest.raises(ExecutionHeld, match=r"^by another$"):
        engine("held").resume(EXECUTION)
    with pytest.raises(ForeignError, match=r"^TypeError: x is undefined$") as caught:
        engine("fails").resume(EXECUTION)
    assert caught.value.trace == "at line 3"
    assert refusal_of(caught.value) == "53100: TypeError: x is undefined"


def test_what_it_says_on_standard_error_is_escaped_and_bounded(
    engine: Callable[..., ForeignEngine], capfd: pytest.CaptureFixture[str]
) -> None:
    engine("chatters").install()
    said = capfd.readouterr().err.splitlines()
    assert said[0].endswith("| line 0 \\x1b[2J # #[group] " + "z" * 40)
    assert said[-1].endswith("| (more is not shown)")
    assert sum(len(line) for line in said) < 400_000
    assert not any("\x1b" in line for line in said)


@pytest.mark.parametrize("way", ["leaves a child", "leaves a daemon"])
def test_whatever_it_started_ends_with_it(way: str, engine: Callable[..., ForeignEngine], outside: Outside) -> None:
    leaving = engine(way)
    leaving.install()
    child = int(outside.lines[0])
    os.kill(child, 0)
    leaving.close()
    assert gone(child)


def test_it_does_not_end_with_the_thread_that_it_was_first_used_in(engine: Callable[..., ForeignEngine]) -> None:
    used = engine("")
    for _ in range(2):
        thread = threading.Thread(target=used.install)
        thread.start()
        thread.join()
    (pid,) = started_here()
    used.install()
    assert started_here() == {pid}


def gone(pid: int) -> bool:
    """Whether it has ended, or ends now."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    ended = select.poll()
    ended.register(descriptor, select.POLLIN)
    try:
        return bool(ended.poll(10_000))
    finally:
        os.close(descriptor)


def test_one_that_ignores_the_end_is_killed(
    engine: Callable[..., ForeignEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cutover.engines.byprocess.lines.process.EXIT_S", 0.1)
    stubborn = engine("ignores the end")
    assert stubborn.name == "broken"
    (pid,) = started_here()
    stubborn.close()
    assert gone(pid)


def test_it_outlives_the_thread_that_used_it_first(engine: Callable[..., ForeignEngine]) -> None:
    used = engine("")
    for _ in range(2):
        thread = threading.Thread(target=used.install)
        thread.start()
        thread.join()
    (pid,) = started_here()
    used.install()
    assert started_here() == {pid}


def test_its_name_and_what_it_offers_come_from_its_hello(engine: Callable[..., ForeignEngine]) -> None:
    greeted = engine("")
    assert (greeted.name, greeted.capabilities) == ("broken", frozenset({"cancel"}))
    name, digest = describe(spec_of(""))
    assert (name, len(digest)) == ("broken", 64)
