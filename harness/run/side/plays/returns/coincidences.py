"""Plays of what meets: a signal and a timer, a timer and an activity, much in one commit. Calls engines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Final

from cutover.engines.api import JsonValue
from cutover.engines.errors import ExecutionHeld, LeaseLost
from cutover.harness.record.plays import PlayRecord
from cutover.harness.run.side.plays.performance import Performance, PlayStage
from cutover.harness.run.side.plays.workflows import chain, side_by_side, signals, wait
from cutover.scenarios.model import Response

__all__ = ["COINCIDING"]

_SECOND_MS: Final = 1_000
_MINUTE_MS: Final = 60_000
_LARGE: Final = 1_000_000
_WAITS: Final = 130
"""More than an engine puts into one commit, where that is cut at a hundred steps, or at 128."""


def in_one_go(stage: PlayStage) -> Iterator[PlayRecord]:
    """A signal comes when another wait's timer is up: it is taken in and used in one go, and serves no later wait."""
    nodes = (wait("z", timeout_ms=_MINUTE_MS), wait("a", "pay"), wait("b", "go"), wait("c", "pay"), "ship")
    scenario = chain("in-one-go", *nodes, sent=signals("pay", "go", "pay"))
    for name, other in (("in one go", False), ("in one go, by another worker each time", True)):
        play = Performance(stage, scenario, stage.engine(), check="SIGNAL", name=f"taken in and used {name}")
        play.start()
        play.clock.advance(play.clock.now() + timedelta(milliseconds=_MINUTE_MS))
        for signal in scenario.signals:
            if other:
                play.by(stage.engine())
            play.send(signal.id)
        play.finish()
        yield play.play()


def due_inside(stage: PlayStage) -> Iterator[PlayRecord]:
    """A timer is up while a worker is inside an activity of another branch, and another worker looks after it."""
    branches = (wait("a", "go"), "pack"), (wait("b", timeout_ms=_SECOND_MS), "ship")
    scenario = side_by_side("due-inside", *branches, sent=signals("go"))
    play = Performance(stage, scenario, stage.engine(), check="CONC", name="a timer that is up beside an activity")
    play.flight.at_first_call = partial(_look_after, play, stage)
    play.start()
    play.send("s1-go")
    play.finish()
    yield play.play()


def _look_after(play: Performance, stage: PlayStage) -> None:
    """Resumes by another worker when the timer is up; the lease of the one that is inside has hardly begun."""
    other = stage.engine()
    play.clock.advance(play.clock.now() + timedelta(milliseconds=_SECOND_MS))
    what = "resume() by another worker, inside an activity, when the timer of a wait beside it is up"
    play.refused(what, partial(other.resume, play.id), ExecutionHeld, LeaseLost, or_idle=True)


def much_at_once(stage: PlayStage) -> Iterator[PlayRecord]:
    """Values of a megabyte come directly before waits, and 130 waits begin in one go: none is passed over."""
    nodes = (wait("a", timeout_ms=_SECOND_MS), "pack", wait("b", "go"), "ship")
    large = chain("large-before-waits", *nodes, sent=signals("go"))
    page: dict[str, JsonValue] = {"text": "x" * _LARGE}
    large = replace(large, input={**page, "of": large.input}, world={**large.world, "pack": (Response(output=page),)})
    many = side_by_side("many-waits", *([wait(f"w{number}", timeout_ms=_MINUTE_MS)] for number in range(_WAITS)))
    for name, scenario in (("a megabyte before each wait", large), (f"{_WAITS} waits that begin at once", many)):
        play = Performance(stage, scenario, stage.engine(), check="DATA", name=name)
        play.start()
        play.by(stage.engine())
        play.finish()
        yield play.play()


COINCIDING = (in_one_go, due_inside, much_at_once)
