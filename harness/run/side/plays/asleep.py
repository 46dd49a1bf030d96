"""Plays of executions that are cancelled, overtaken or signalled while a worker sleeps, or none is at work.

Calls engines. The contract: a cancel ends an execution and brings nothing about first; an attempt begins with a commit
that says so, so a worker that wakes from the pause before one, and no longer has the execution, calls nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Final

from cutover.engines.api import Engine, Signal
from cutover.engines.errors import ActivityError
from cutover.harness.record.plays import CANCELLED, HELD, OUTDATED, PlayCheck, PlayCommand, PlayRecord
from cutover.harness.run.side.plays.performance import Performance, PlayStage
from cutover.harness.run.side.plays.workflows import chain, retrying, signals, wait
from cutover.harness.run.world.engine import committed
from cutover.harness.run.world.outside import Move
from cutover.scenarios.model import Scenario

__all__ = ["ASLEEP", "WorkerGone", "end_worker"]

_MINUTE_MS: Final = 60_000
_SENT: Final = signals("go", "pay")


class WorkerGone(BaseException):
    """What ends a worker in the middle of its sleep."""


def end_worker() -> None:
    """Ends the worker that is at work, without a word to anybody."""
    raise WorkerGone


def cancelled(stage: PlayStage) -> Iterator[PlayRecord]:
    """An execution is cancelled that could go on: its timer is up, a signal is kept, its next attempt is due."""
    timer = chain("cancelled", wait("a", timeout_ms=_MINUTE_MS), "charge")
    kept = chain("cancelled", wait("a", "go"), wait("b", "pay"), "charge", sent=signals("go", "pay"))
    both = chain("cancelled", wait("a", "go", _MINUTE_MS), "charge", wait("b", "pay"), sent=signals("go", "pay"))
    for name, scenario in (("when its timer is up", timer), ("with a signal kept", kept), ("with both", both)):
        for whose, other in (("", False), (", by another worker", True)):
            play = _started(
                stage, replace(scenario, cancel_at_pause=1, signals=()), "RESUME", f"cancelled {name}{whose}"
            )
            if scenario.signals:
                play.stray("pay")
            play.clock.advance(play.clock.now() + timedelta(milliseconds=2 * _MINUTE_MS))
            if other:
                play.by(stage.engine())
            with play.flown():
                play.drive.make(Move("cancel"))
            yield play.play()
    yield from _cancelled_asleep(stage)


def _cancelled_asleep(stage: PlayStage) -> Iterator[PlayRecord]:
    for name, gone in (("its worker is gone", True), ("its worker sleeps", False)):
        play = _waiting(stage, "RESUME", f"cancelled where {name}")
        other, called = stage.engine(), list[int]()
        cancel = partial(_cancel, play, other, called)
        if gone:
            _until_gone(play)
            play.clock.advance(play.clock.now() + timedelta(seconds=4 * stage.takeover_s))
            cancel()
            _outdated(
                play,
                f"{OUTDATED}: it was cancelled before",
                partial(other.resume, play.id),
                partial(_since, play, called),
            )
        else:
            play.flight.at_first_sleep = cancel
            _outdated(play, f"{OUTDATED}: it was cancelled as it slept", _first(play), partial(_since, play, called))
        _look(play, other)
        yield play.play()


def overtaken_asleep(stage: PlayStage) -> Iterator[PlayRecord]:
    """A worker sleeps before another attempt, for longer than its lease, and another worker goes on meanwhile."""
    play = _waiting(stage, "CONC", "overtaken in the pause before another attempt")
    other, called = stage.engine(), list[int]()

    def overtake() -> None:
        play.clock.advance(play.clock.now() + timedelta(seconds=stage.takeover_s))
        with contextlib.suppress(Exception):  # one that is not let in takes nothing over
            other.resume(play.id)
            called.append(len(play.flight.world.ledger))

    play.flight.at_first_sleep = overtake
    _outdated(play, f"{OUTDATED}: it was overtaken as it slept", _first(play), partial(_since, play, called))
    _look(play, other)
    play.finish()
    yield play.play()
    yield from _overtaken_before_the_next(stage)


def _overtaken_before_the_next(stage: PlayStage) -> Iterator[PlayRecord]:
    """The attempt fails in which it was overtaken, and the next one would be due at once."""
    play = _waiting(stage, "CONC", "overtaken in an attempt, and there is no pause before the next", pause_ms=0)
    other, called = stage.engine(), list[int]()

    def overtake() -> None:
        play.clock.advance(play.clock.now() + timedelta(seconds=stage.takeover_s))
        with contextlib.suppress(Exception):  # one that is not let in takes nothing over
            other.resume(play.id)
            called.append(len(play.flight.world.ledger))
        if called:
            raise ActivityError("the line was cut", retryable=True)

    play.flight.at_first_call = overtake
    _outdated(play, f"{OUTDATED}: it was overtaken in an attempt", _first(play), partial(_since, play, called))
    _look(play, other)
    play.finish()
    yield play.play()


def signalled_asleep(stage: PlayStage) -> Iterator[PlayRecord]:
    """A signal comes in the pause before another attempt: its worker sleeps, or is gone and the signal takes over."""
    for name, gone in (("as its worker slept", False), ("when its worker was gone", True)):
        play = _waiting(stage, "SIGNAL", f"before another attempt, {name}")
        other = stage.engine()
        if gone:
            _until_gone(play)
            play.clock.advance(play.clock.now() + timedelta(seconds=stage.takeover_s))
            delivered = play.deliver(HELD, other, "s2-pay")
        else:
            heard = list[bool]()
            play.flight.at_first_sleep = lambda play=play, other=other, heard=heard: heard.append(
                play.deliver(HELD, other, "s2-pay")
            )
            with play.flown(), contextlib.suppress(Exception):  # what it is told then is its own affair
                _first(play)()
            delivered = any(heard)
        play.drive.outside.delivered.insert(0, "s1-go")
        play.by(other)
        play.wake(1_000 * stage.takeover_s)
        if not delivered:
            play.send("s2-pay")
        play.finish()
        yield play.play()


def _started(stage: PlayStage, scenario: Scenario, check: PlayCheck, name: str) -> Performance:
    play = Performance(stage, scenario, stage.engine(), check=check, name=name)
    play.start()
    return play


def _waiting(stage: PlayStage, check: PlayCheck, name: str, *, pause_ms: int | None = None) -> Performance:
    """An execution that waits, then fails once and pauses, for longer than a lease lasts where nothing is said."""
    nodes = (wait("a", "go"), "pack", wait("b", "pay"), "ship")
    longer_ms = round(2_000 * stage.takeover_s)
    scenario = retrying(chain("asleep", *nodes, sent=_SENT), "pack", longer_ms if pause_ms is None else pause_ms)
    return _started(stage, scenario, check, name)


def _first(play: Performance) -> Callable[[], None]:
    """Returns what has the first worker go on with its signal, until it returns or raises."""
    return partial(play.drive.engine.resume, play.id, Signal(id="s1-go", name="go", payload=_SENT[0].payload))


def _until_gone(play: Performance) -> None:
    """Has the first worker go on until it sleeps, where it ends."""
    play.flight.at_first_sleep = end_worker
    with play.flown(), contextlib.suppress(WorkerGone):
        _first(play)()


def _cancel(play: Performance, other: Engine, called: list[int]) -> None:
    """Cancels, and notes how many calls there were before."""
    called.append(len(play.flight.world.ledger))

    def cancel() -> None:
        other.cancel(play.id)
        if (status := other.journal(play.id).execution.status) != "cancelled":
            raise ValueError(f"the execution is {status} afterwards")

    play.ask(CANCELLED, cancel)


def _since(play: Performance, called: list[int]) -> int:
    """How many calls there were when it was lost; all, where it was not."""
    return called[0] if called else len(play.flight.world.ledger)


def _outdated(play: Performance, what: str, command: Callable[[], object], since: Callable[[], int]) -> None:
    """Gives a command in which a worker loses the execution; notes how many calls it made `since` then."""
    with play.flown(), contextlib.suppress(Exception):  # what it is told is its own affair
        command()
    play.note(PlayCommand(what=what, calls=len(play.flight.world.ledger) - since()))


def _look(play: Performance, other: Engine) -> None:
    """Reads the journal by another worker, which drives it from now on."""
    play.by(other)
    with play.flown(), contextlib.suppress(Exception):
        play.drive.journal = committed(other, play.id)


ASLEEP = (cancelled, overtaken_asleep, signalled_asleep)
