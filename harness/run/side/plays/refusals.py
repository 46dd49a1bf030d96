"""Plays of what an engine must refuse: what is not JSON, has no value, or is driven by another. Calls engines."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import partial
from typing import Any, Final

from cutover.engines.api import (
    ActivityNode,
    ConditionNode,
    Edge,
    Engine,
    ExecutionRequest,
    LoopNode,
    Node,
    Signal,
    StartNode,
    Workflow,
)
from cutover.engines.errors import ExecutionHeld, LeaseLost, PayloadRefused, UnknownExecution
from cutover.harness.record.plays import PlayRecord
from cutover.harness.run.side.plays.performance import Performance, PlayStage
from cutover.harness.run.side.plays.workflows import chain, signals, wait
from cutover.scenarios.model import Scenario

__all__ = ["LIVING", "REFUSALS"]

_PART_MS: Final = 150
_LONG_MS: Final = 12_000
_ASKED_EVERY_MS: Final = 3_000
_FASTER: Final = 1.5
_NOT_JSON: Final[Mapping[str, Any]] = {
    "NaN": math.nan,
    "Infinity": math.inf,
    "-Infinity": {"rate": [1.5, -math.inf]},
    "NaN in a list": {"rates": [{"rate": math.nan}]},
    "bytes": b"bytes",
    "a key that is not text": {1: "one"},
}
_RAISES, _NO_LIST = "abs(@)", "input"
"""Expressions without a usable value on what an activity answered, which is an object."""


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


def unanswered(stage: PlayStage) -> Iterator[PlayRecord]:
    """Expressions that are JMESPath and have no usable value on what they are given: the step fails, for good.

    Where an item is what JSON cannot carry the loop may fail before its first turn, or when it comes to that item.
    """
    at_once = _ending_in(_loop(_NO_LIST))
    for name, node, also in (
        ("a condition that raises", ConditionNode(id="if", expression=_RAISES), None),
        ("a loop over what raises", _loop(_RAISES), None),
        ("a loop over what is not a list", _loop(_NO_LIST), None),
        ("a loop over a number and what is infinite", _loop("[to_number('1'), to_number('1e999')]"), at_once),
        ("a loop over what is infinite", _loop("[to_number('1e999')]"), at_once),
    ):
        play = Performance(stage, _ending_in(node), stage.engine(), check="DATA", name=name, also=also)
        play.start()
        play.by(stage.engine())
        play.finish()
        yield play.play()


def _ending_in(node: Node) -> Scenario:
    return chain("unanswered", "pack", node, "ship")


def _loop(items: str) -> LoopNode:
    body = Workflow(
        id="turn",
        nodes=(StartNode(id="start"), ActivityNode(id="note", activity="note")),
        edges=(Edge(source="start", target="note"),),
    )
    return LoopNode(id="turns", items=items, body=body)


def live(stage: PlayStage) -> Iterator[PlayRecord]:
    """An activity takes long, and another worker asks for the execution meanwhile, again and again.

    Time passes half as fast again as it does in reality, so that an engine which renews its lease in time by any clock
    has renewed it, and in small parts, so that no worker is told of a long time at once.
    """
    play = Performance(stage, chain("live", "pack", "ship"), stage.engine(), check="CONC", name="in a long activity")
    play.flight.at_first_call = partial(_ask_meanwhile, play, stage.engine())
    play.start()
    play.finish()
    yield play.play()


def _ask_meanwhile(play: Performance, other: Engine) -> None:
    for passed_ms in range(_PART_MS, _LONG_MS + 1, _PART_MS):
        time.sleep(_PART_MS / 1_000 / _FASTER)
        play.clock.advance(play.clock.now() + timedelta(milliseconds=_PART_MS))
        if passed_ms % _ASKED_EVERY_MS == 0 and not play.refused(
            f"resume() by another worker, {passed_ms / 1_000:g} s into an activity",
            partial(other.resume, play.id),
            ExecutionHeld,
            LeaseLost,
        ):
            return


LIVING = (live,)
"""Those that take real time."""
REFUSALS = (refusals, unanswered)
