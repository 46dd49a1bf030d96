"""Plays of what begins late in a drive, or is done on another day than it was begun on. Calls engines."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Final

from cutover.engines.api import ActivityNode, Edge, LoopNode, RetryPolicy, StartNode, Workflow
from cutover.harness.record.plays import PlayRecord
from cutover.harness.run.side.plays.asleep import WorkerGone, end_worker
from cutover.harness.run.side.plays.performance import Performance, PlayStage
from cutover.harness.run.side.plays.workflows import DAY_MS, HOUR_MS, chain, retrying, signals, wait
from cutover.scenarios.model import Response, Scenario

__all__ = ["RETURNING"]

_SHORTLY_MS: Final = 1_000
_WAIT_MS: Final = 10 * 60_000
_PAUSE_MS: Final = 8 * 60_000


def begun_late(stage: PlayStage) -> Iterator[PlayRecord]:
    """Waits that begin late in a drive, after a pause or in a loop's later turn, have their whole time.

    The last is also there when somebody else's signal makes a worker take the execution, after the time at which the
    wait of the turn before would have been up.
    """
    after = retrying(chain("begun-late", "pack", wait("a", timeout_ms=2 * HOUR_MS), "ship"), "pack", HOUR_MS)
    play = Performance(stage, after, stage.engine(), check="CLOCK", name="a wait after a pause in the same drive")
    play.start()
    _still_waits(play, stage, 2 * HOUR_MS - _SHORTLY_MS)
    play.wake(_SHORTLY_MS)
    yield play.play()
    play = Performance(stage, _in_turns(), stage.engine(), check="CLOCK", name="a wait after a turn with a pause")
    play.start()
    play.send("s1-go", "s2-tick")
    _still_waits(play, stage, _WAIT_MS - _SHORTLY_MS)
    play.stray("nobody")
    play.by(stage.engine())
    play.send("s3-tick")
    play.finish()
    yield play.play()
    play = Performance(stage, _in_turns(), stage.engine(), check="CLOCK", name="a wait after a turn's, which was met")
    play.start()
    play.send("s1-go")
    play.clock.advance(play.clock.now() + timedelta(milliseconds=_WAIT_MS // 2))
    play.send("s2-tick")
    _still_waits(play, stage, _WAIT_MS - _SHORTLY_MS)
    play.send("s3-tick")
    play.finish()
    yield play.play()


def overnight(stage: PlayStage) -> Iterator[PlayRecord]:
    """An attempt takes effect and fails, and the next one is made days later: it asks by the same key."""
    scenario = retrying(chain("overnight", wait("a", "go"), "pack", "ship", sent=signals("go")), "pack", 2 * DAY_MS)
    first, *others = scenario.world["pack"]
    scenario = replace(scenario, world={**scenario.world, "pack": (replace(first, effect=True), *others)})
    for name, gone in (("by the same worker", False), ("by another worker", True)):
        play = Performance(stage, scenario, stage.engine(), check="IDENT", name=f"tried again days later, {name}")
        play.start()
        if gone:
            play.flight.at_first_sleep = end_worker
        with contextlib.suppress(WorkerGone):
            play.send("s1-go")
        if gone:
            play.by(stage.engine())
            play.wake(2 * DAY_MS)
        play.finish()
        yield play.play()


def _in_turns() -> Scenario:
    """A loop whose turns wait and then note it; the first note fails once and is made again after a pause."""
    retry = RetryPolicy(max_retries=1, initial_ms=_PAUSE_MS, cap_ms=_PAUSE_MS)
    nodes = (
        StartNode(id="start"),
        wait("w", "tick", _WAIT_MS),
        ActivityNode(id="note", activity="note", retry=retry),
    )
    edges = (Edge(source="start", target="w"), Edge(source="w", target="note"))
    loop = LoopNode(id="turns", items="[`1`, `2`]", body=Workflow(id="turn", nodes=nodes, edges=edges))
    made = chain("in-turns", wait("a", "go"), loop, "ship", sent=signals("go", "tick", "tick"))
    noted = Response(output="noted")
    return replace(made, world={**made.world, "note": (noted,), "turns[0]/note": (Response(error="busy"), noted)})


def _still_waits(play: Performance, stage: PlayStage, after_ms: int) -> None:
    """Looks after it, by another worker, before its wait is over."""
    play.by(stage.engine())
    play.clock.advance(play.clock.now() + timedelta(milliseconds=after_ms))
    play.ask("resume() before its wait is over", partial(_go_on, play))


def _go_on(play: Performance) -> None:
    engine = play.drive.engine
    engine.resume(play.id)
    paused = [step for step in engine.journal(play.id).steps if step.status == "paused"]
    if not paused:
        raise ValueError("nothing waits any more")


RETURNING = (begun_late, overnight)
