"""Plays of requests that break a rule, and of a worker that is told to stop: both leave nothing behind. Calls engines.

The contract: `execute` raises PayloadRefused or WorkflowRefused before anything is written. A worker that was told to
stop counts as dead: when its lease has run out at the latest, another one goes on.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final

from cutover.engines.api import (
    ActivityNode,
    Case,
    ConditionNode,
    Edge,
    ExecutionRequest,
    JoinNode,
    Journal,
    JsonValue,
    LoopNode,
    Node,
    StartNode,
    WaitNode,
    Workflow,
)
from cutover.engines.errors import UnknownExecution
from cutover.engines.payloads import decode
from cutover.harness.record.plays import BROKEN, HARD, PlayCommand, PlayRecord
from cutover.harness.run.side.plays.performance import Performance, PlayStage
from cutover.harness.run.side.plays.workflows import chain, signals, wait
from cutover.harness.run.trials.drive import failure_of
from cutover.harness.run.world.dispatcher import Flight
from cutover.harness.run.world.world import World
from cutover.scenarios.model import Scenario

__all__ = ["REFUSING", "broken_workflows"]

_START: Final = StartNode(id="start")
_PACK: Final = ActivityNode(id="pack", activity="pack")
_PLAIN: Final = Workflow(id="plain", nodes=(_START, _PACK), edges=(Edge(source="start", target="pack"),))
_NUL: Final = "a\0b"
_HALF: Final = "a\ud800b"
_DEEP: Final = 700
"""Levels of lists: more than many readers of JSON take."""
_LOOPS: Final = 60
_LEASE_MS: Final = 31_000
"""After so long whatever a dead worker held is free."""
_EDGE: Final = Edge(source="start", target="pack")
_TO_LOOP: Final = (Edge(source="start", target="loop"),)


class _ToldToStop(BaseException):
    """What a worker's process raises where a signal tells it to end."""


def broken(stage: PlayStage) -> Iterator[PlayRecord]:
    """Requests that break one rule each are refused, nothing of them is there, and the engine goes on."""
    scenario = chain("after-refusals", "pack", "ship")
    play = Performance(stage, scenario, stage.engine(), check="DATA", name="after refused requests")
    ask = partial(_request, stage, scenario, play)
    good = ExecutionRequest(execution_id=stage.draw(), workflow=_PLAIN, input={"n": 1})
    for name, odd in _hard_to_keep().items():
        ask(f"{HARD}: {name}", replace(good, execution_id=stage.draw(), **odd))
    ask(f"{BROKEN}: an input that is NaN", replace(good, execution_id=stage.draw(), input=float("nan")))
    for name, workflow in broken_workflows().items():
        ask(f"{BROKEN}: {name}", replace(good, execution_id=stage.draw(), workflow=workflow))
    play.start()
    play.finish()
    yield play.play()


def _request(stage: PlayStage, scenario: Scenario, play: Performance, what: str, request: ExecutionRequest) -> None:
    """Sends another request, and notes whether it left anything where it was refused, or lost where it was not."""
    engine, failure, changed = play.drive.engine, None, False
    with stage.flying(Flight(request.execution_id, World(scenario, play.clock), play.clock)):
        try:
            engine.execute(request)
        except Exception as error:  # noqa: BLE001 - whatever an engine raises is an outcome
            failure = failure_of(error)
        try:
            journal = engine.journal(request.execution_id)
            changed = failure is not None or not _is_kept(request, journal)
        except UnknownExecution:
            changed = failure is None
        except Exception as error:  # noqa: BLE001 - as above
            failure = failure_of(error)
    play.note(PlayCommand(what=what, failure=failure, changed=changed))


def _is_kept(request: ExecutionRequest, journal: Journal) -> bool:
    """Whether the journal has what the request says of itself, and no step of another node; its loops never begin."""
    row, nodes = journal.execution, {node.id for node in request.workflow.nodes}
    return (
        decode(row.input) == request.input
        and request.metadata.items() <= row.metadata.items()
        and row.workflow_id == request.workflow.id
        and {step.node_id for step in journal.steps} <= nodes
    )


def stopped(stage: PlayStage) -> Iterator[PlayRecord]:
    """A worker is told to stop inside an activity before its effect; another one goes on when the lease has run out."""
    nodes = (wait("a", "go"), "pack", "ship")
    for name, first in (("told to stop at its start", False), ("told to stop after a wait", True)):
        scenario = chain("stopped", *nodes, sent=signals("go")) if first else chain("stopped", "pack", "ship")
        play = Performance(stage, scenario, stage.engine(), check="RESUME", name=name)
        play.flight.at_first_call = _stop
        with contextlib.suppress(_ToldToStop):
            play.start()
            if first:
                play.send("s1-go")
        play.by(stage.engine())
        play.wake(_LEASE_MS)
        play.finish()
        yield play.play()


def _stop() -> None:
    raise _ToldToStop


def _hard_to_keep() -> Mapping[str, Mapping[str, Any]]:
    """What texts and values some databases refuse: where a request has them, by what is special."""
    deep: JsonValue = 1
    for _ in range(_DEEP):
        deep = [deep]
    return {
        "metadata whose key has a NUL": {"metadata": {_NUL: "x"}},
        "metadata with a NUL": {"metadata": {"x": _NUL}},
        "metadata with half a character": {"metadata": {"x": _HALF}},
        "a workflow whose id has a NUL": {"workflow": replace(_PLAIN, id=_NUL)},
        "a workflow whose id has half a character": {"workflow": replace(_PLAIN, id=_HALF)},
        "a node whose id has a NUL": {"workflow": _flow(replace(_START, id=_NUL))},
        "a port with a NUL": {
            "workflow": _flow(_START, _PACK, edges=(_EDGE, Edge(source="start", target="pack", port=_NUL)))
        },
        "a signal whose name has a NUL": {"workflow": _flow(_START, WaitNode(id="wait", signal=_NUL))},
        "an input nested deeply": {"input": deep},
        "loops nested deeply": {"workflow": _nested(_LOOPS)},
        "a case that is NaN": {"workflow": _flow(_START, _condition(Case(port="odd", value=float("nan"))))},
        "a case whose port has a NUL": {"workflow": _flow(_START, _condition(Case(port=_NUL, value=1)))},
    }


def _nested(levels: int) -> Workflow:
    """Loops within loops; each goes over a list in the list that is the input, so none of them ever begins."""
    flow = _PLAIN
    for _ in range(levels):
        loop = LoopNode(id="loop", items="[?`false`]", body=flow)
        flow = Workflow(id="nested", nodes=(_START, loop), edges=(Edge(source="start", target="loop"),))
    return flow


def _condition(case: Case) -> ConditionNode:
    return ConditionNode(id="if", expression="n", cases=(case,))


def broken_workflows() -> Mapping[str, Workflow]:
    """Workflows that break one rule of the contract each, by that rule: in itself, and in a loop's body."""
    plain = _broken_levels()
    inside = {
        f"{name}, in a loop's body": _flow(_START, LoopNode(id="loop", items="@", body=body), edges=_TO_LOOP)
        for name, body in plain.items()
    }
    again = {
        f"{name}, in the body of a loop that repeats": _flow(
            _START, LoopNode(id="loop", repeat=True, body=plain[name]), edges=_TO_LOOP
        )
        for name in ("no start", "a cycle", "an edge from nowhere", "an edge to nowhere")
    }
    return {**plain, **inside, **again}


def _broken_levels() -> Mapping[str, Workflow]:
    edge = _EDGE
    return {
        "no start": _flow(_PACK),
        "two starts": _flow(_START, replace(_START, id="start-2")),
        "two nodes of one id": _flow(_START, _PACK, replace(_PACK, activity="other")),
        "an edge from nowhere": _flow(_START, _PACK, edges=(edge, Edge(source="gone", target="pack"))),
        "an edge to nowhere": _flow(_START, _PACK, edges=(edge, Edge(source="pack", target="gone"))),
        "an edge to the start": _flow(_START, _PACK, edges=(edge, Edge(source="pack", target="start"))),
        "a cycle": _flow(
            _START,
            _PACK,
            JoinNode(id="join", mode="any"),
            edges=(edge, Edge(source="pack", target="join"), Edge(source="join", target="pack")),
        ),
        "an edge to $again outside a repeating loop": _flow(
            _START, _PACK, edges=(edge, Edge(source="pack", target="$again"))
        ),
        "an edge to $exit outside a repeating loop": _flow(
            _START, _PACK, edges=(edge, Edge(source="pack", target="$exit.out"))
        ),
        "a wait for nothing": _flow(_START, WaitNode(id="wait")),
        "no JMESPath in a condition": _flow(_START, ConditionNode(id="if", expression="a ||")),
        "no JMESPath in a loop": _flow(_START, LoopNode(id="loop", items="[", body=_PLAIN)),
        "a loop with items and repeat": _flow(_START, LoopNode(id="loop", items="@", repeat=True, body=_PLAIN)),
        "a loop with neither items nor repeat": _flow(_START, LoopNode(id="loop", body=_PLAIN)),
        "a broken body": _flow(_START, LoopNode(id="loop", items="@", body=_flow(_PACK))),
        "an edge to $again in a loop over items": _flow(
            _START,
            LoopNode(id="loop", items="@", body=replace(_PLAIN, edges=(edge, Edge(source="pack", target="$again")))),
        ),
    }


def _flow(*nodes: Node, edges: tuple[Edge, ...] = ()) -> Workflow:
    return Workflow(id="broken", nodes=nodes, edges=edges)


REFUSING: Final[tuple[Callable[[PlayStage], Iterator[PlayRecord]], ...]] = (broken, stopped)
