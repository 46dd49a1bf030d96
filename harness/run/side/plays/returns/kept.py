"""Plays of signals that are kept: what they carry, whose they are, and a worker that would use one too late.

Calls engines. The contract: where a delivery has returned, the signal has been used or is kept, with its payload as it
was, for a wait of its own execution.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Final

from cutover.engines.api import ActivityNode, Engine, JsonValue, RetryPolicy, Signal
from cutover.engines.errors import ActivityError
from cutover.harness.record.plays import PlayRecord
from cutover.harness.run.side.plays.asleep import WorkerGone, end_worker
from cutover.harness.run.side.plays.performance import Performance, PlayStage
from cutover.harness.run.side.plays.workflows import chain, signals, wait

__all__ = ["KEPT"]

_PLAIN: Final[dict[str, JsonValue]] = {
    "zone": [1e22, -0.0, 1e-7, 100.0, 12345678901234567890123, 0.1],
    "a": {"bb": 1, "b": 2, "": {}},
    "text": "it's 50 % \\ of \u2028",
}
_ODD: Final[dict[str, JsonValue]] = {**_PLAIN, "text": "a\x00b \U0001f642", "half": "\ud800"}


def as_they_were(stage: PlayStage) -> Iterator[PlayRecord]:
    """Kept signals carry what codecs change: numbers, the order of members, text. The wait gets it as it was."""
    nodes = (wait("a", "go"), wait("z", "on"), wait("b", "pay"), wait("c", "pay"), "ship")
    go, on, first, second = signals("go", "on", "pay", "pay")
    sent = (go, on, replace(first, payload=_PLAIN), replace(second, payload=_ODD))
    scenario = chain("as-they-were", *nodes, sent=sent)
    for name, other in (("kept, with what codecs change", False), ("kept so, and another worker goes on", True)):
        play = Performance(stage, scenario, stage.engine(), check="SIGNAL", name=name)
        play.start()
        for signal_id in ("s3-pay", "s4-pay", "s1-go", "s2-on"):
            play.send(signal_id)
            if other:
                play.by(stage.engine())
        play.finish()
        yield play.play()


def left_over(stage: PlayStage) -> Iterator[PlayRecord]:
    """An execution ends with a signal that nobody has used: it is none of the next one's, which awaits its name."""
    for name, same in (("after one that left a signal", True), ("after one of another worker that left one", False)):
        engine = stage.engine()
        first = Performance(
            stage,
            chain("left-over", wait("a", "go"), "pack", sent=signals("go")),
            engine,
            check="SIGNAL",
            name="ends with a signal left over",
        )
        first.start()
        first.stray("pay")
        first.send("s1-go")
        scenario = chain("left-alone", "pack", wait("a", "pay"), "ship", sent=signals("pay"))
        second = Performance(stage, scenario, engine if same else stage.engine(), check="SIGNAL", name=name)
        second.start()
        second.finish()
        yield first.play()
        yield second.play()


def used_too_late(stage: PlayStage) -> Iterator[PlayRecord]:
    """A worker is overtaken inside an activity, and would use a kept signal afterwards: whoever goes on has it."""
    pack = ActivityNode(id="pack", activity="pack", retry=RetryPolicy(max_retries=0), on_error="continue")
    nodes = (wait("z", "on"), pack, wait("a", "go"), "ship")
    scenario = chain("used-too-late", *nodes, sent=signals("on", "go"))
    play = Performance(stage, scenario, stage.engine(), check="SIGNAL", name="kept, and its worker was overtaken")
    play.start()
    play.send("s2-go")
    second = stage.engine()
    play.flight.at_first_call = partial(_overtake, play, second, timedelta(seconds=stage.takeover_s))
    sent = scenario.signals[0]
    with play.flown(), contextlib.suppress(Exception):  # what it is told then is its own affair
        play.drive.engine.resume(play.id, Signal(id=sent.id, name=sent.name, payload=sent.payload))
    play.drive.outside.delivered.insert(0, sent.id)
    play.by(stage.engine())
    play.wake(1_000 * stage.takeover_s)
    play.finish()
    yield play.play()


def _overtake(play: Performance, second: Engine, lease: timedelta) -> None:
    """Has another worker take the execution over, which dies as it would call the activity in its turn.

    The attempt of the first then fails, and as far as it knows the execution goes on.
    """
    play.clock.advance(play.clock.now() + lease)
    play.flight.at_first_call = end_worker
    try:
        with contextlib.suppress(Exception):  # one that is not let in takes nothing over
            second.resume(play.id)
    except WorkerGone:
        raise ActivityError("the line was cut", retryable=False) from None
    play.flight.at_first_call = None


KEPT = (as_they_were, left_over, used_too_late)
