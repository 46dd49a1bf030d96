"""Plays of what an engine must refuse: what is no JSON, and what another worker drives. Calls engines."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, Final

from cutover.engines.api import ExecutionRequest, Signal
from cutover.engines.errors import PayloadRefused, UnknownExecution
from cutover.harness.record.plays import PlayRecord
from cutover.harness.run.side.plays.performance import Performance, PlayStage
from cutover.harness.run.side.plays.workflows import chain, signals, wait

__all__ = ["REFUSING"]

_NOT_JSON: Final[Mapping[str, Any]] = {
    "NaN": math.nan,
    "Infinity": math.inf,
    "-Infinity": {"rate": [1.5, -math.inf]},
    "NaN in a list": {"rates": [{"rate": math.nan}]},
    "bytes": b"bytes",
    "a key that is no text": {1: "one"},
}


def refusals(stage: PlayStage) -> Iterator[PlayRecord]:
    """What JSON cannot carry is refused before anything is written; the same id with what it can carry runs."""
    scenario = chain("refused", "pack", wait("a", "go"), "ship", sent=signals("go"))
    for what, value in _NOT_JSON.items():
        engine = stage.engine()
        play = Performance(stage, scenario, engine, check="DATA", name=f"{what} as input")
        request = ExecutionRequest(execution_id=play.id, workflow=scenario.workflow, input=value)
        play.refused(f"execute() with {what}", partial(engine.execute, request), PayloadRefused)
        play.refused(f"journal() after execute() with {what}", partial(engine.journal, play.id), UnknownExecution)
        play.start()
        signal = Signal(id=f"bad {what}", name="go", payload=value)
        play.refused(f"a signal with {what}", partial(engine.resume, play.id, signal), Exception)
        play.finish()
        yield play.play()


REFUSING = (refusals,)
