"""A play of a worker that is overtaken and comes back while another is at work. Calls engines, in two threads."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from threading import Event, Thread
from typing import Final

from cutover.engines.api import Engine, Signal
from cutover.engines.errors import ActivityError, ExecutionHeld, LeaseLost
from cutover.harness.record.plays import HELD, PlayRecord
from cutover.harness.run.side.plays.performance import Performance, PlayStage
from cutover.harness.run.side.plays.workflows import chain, signals, wait

__all__ = ["OVERTAKING"]

_INSIDE_S: Final = 10.0
"""Real time for the second worker to come into its activity; it takes milliseconds."""


def overtaken(stage: PlayStage) -> Iterator[PlayRecord]:
    """A worker was silent for longer than its lease, and another is inside the activity now when the first comes back.

    What the first still has to say must not free the execution: a third worker, who asks then, is kept out.
    """
    scenario = chain("overtaken", wait("a", "go"), "pack", "ship", sent=signals("go"))
    play = Performance(stage, scenario, stage.engine(), check="CONC", name="after it was overtaken")
    play.start()
    second = _Overtaker(play, stage.engine(), timedelta(seconds=stage.takeover_s))
    play.flight.at_first_call = second.overtake
    sent = scenario.signals[0]
    with play.flown(), contextlib.suppress(Exception):  # what it is told then is its own affair
        play.drive.engine.resume(play.id, Signal(id=sent.id, name=sent.name, payload=sent.payload))
    play.drive.outside.delivered.append(sent.id)
    third = stage.engine()
    if second.is_inside:
        what = "resume() by a third worker, after the first came back while the second was inside the activity"
        play.refused(what, partial(third.resume, play.id), ExecutionHeld, LeaseLost)
    with play.flown():
        second.let_go()
    play.by(third)
    play.wake(0)
    play.finish()
    yield play.play()


def taken_by_signal(stage: PlayStage) -> Iterator[PlayRecord]:
    """A worker was silent for longer than its lease, and who takes over brings a signal that a later wait needs."""
    nodes = (wait("z", "on"), "pack", wait("a", "go"), "ship")
    scenario = chain("taken-by-signal", *nodes, sent=signals("on", "go"))
    play = Performance(stage, scenario, stage.engine(), check="SIGNAL", name="that a takeover brought")
    play.start()
    second, delivered = stage.engine(), list[bool]()
    play.flight.at_first_call = partial(_take_over, play, second, timedelta(seconds=stage.takeover_s), delivered)
    sent = scenario.signals[0]
    with play.flown(), contextlib.suppress(Exception):  # what it is told then is its own affair
        play.drive.engine.resume(play.id, Signal(id=sent.id, name=sent.name, payload=sent.payload))
    play.drive.outside.delivered.insert(0, sent.id)
    play.by(second)
    play.wake(0)
    if not any(delivered):
        play.send("s2-go")
    play.finish()
    yield play.play()


def _take_over(play: Performance, second: Engine, lease: timedelta, delivered: list[bool]) -> None:
    """Brings the second worker a signal, when the first is inside the activity and no longer has its lease."""
    play.clock.advance(play.clock.now() + lease)
    if play.deliver(HELD, second, "s2-go"):
        delivered.append(True)
        raise ActivityError("the line was cut", retryable=True)


class _Overtaker:
    """The worker that takes over when the `lease` is over; it stays inside its first activity until it is let go."""

    def __init__(self, play: Performance, engine: Engine, lease: timedelta) -> None:
        self._play, self._engine, self._lease = play, engine, lease
        self._inside, self._go = Event(), Event()
        self._thread = Thread(target=self._resume, daemon=True)

    @property
    def is_inside(self) -> bool:
        """Whether it was let in."""
        return self._inside.is_set()

    def overtake(self) -> None:
        """Goes on in place of the worker that is inside the activity now, whose attempt then fails."""
        clock = self._play.clock
        clock.advance(clock.now() + self._lease)
        self._play.flight.at_first_call = self._stay
        self._thread.start()
        while self._thread.is_alive() and not self._inside.wait(0.01):
            pass
        if self.is_inside:
            raise ActivityError("the line was cut", retryable=True)

    def let_go(self) -> None:
        """Has it go on, and waits until it has ended."""
        self._go.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _resume(self) -> None:
        with contextlib.suppress(Exception):
            self._engine.resume(self._play.id)

    def _stay(self) -> None:
        self._inside.set()
        self._go.wait(_INSIDE_S)


OVERTAKING = (overtaken, taken_by_signal)
