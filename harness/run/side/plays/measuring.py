"""A play in which attempts take real time, and what an engine says of how long they took. Calls engines, and sleeps."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Final

from cutover.engines.api import ActivityNode, RetryPolicy
from cutover.harness.record.plays import MEASURED, PlayRecord
from cutover.harness.run.side.plays.performance import Performance, PlayStage
from cutover.harness.run.side.plays.workflows import chain
from cutover.scenarios.model import Response

__all__ = ["MEASURING", "measure"]

_FIRST_S: Final = 0.25


def measured(stage: PlayStage) -> Iterator[PlayRecord]:
    """The first attempt takes long and fails, the second is quick: a step's duration is that of all its attempts."""
    scenario = chain("measured", ActivityNode(id="pack", activity="pack", retry=RetryPolicy(max_retries=1)), "ship")
    answers = (Response(error="busy"), Response(output="packed"))
    scenario = replace(scenario, world={**scenario.world, "pack": answers})
    play = Performance(stage, scenario, stage.engine(), check="DATA", name="a first attempt that takes long")
    play.flight.at_first_call = partial(time.sleep, _FIRST_S)
    play.start()
    play.finish()
    measure(play, "pack", _FIRST_S * 1_000)
    yield play.play()


def measure(play: Performance, step_id: str, least_ms: float) -> None:
    """Looks whether the engine's metric of a step is at least so long, where the engine keeps metrics."""

    def look() -> None:
        for metric in play.drive.journal.metrics if play.drive.journal is not None else ():
            if metric.step_id == step_id and metric.duration_ms < least_ms:
                raise ValueError(f"{metric.duration_ms:g} ms, and its activity took over {least_ms:g} ms")

    play.ask(MEASURED, look)


MEASURING = (measured,)
