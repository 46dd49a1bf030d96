"""A play of one workflow id that has several definitions, with executions of each in flight. Calls engines.

The contract: the workflow is stored with the execution, so whoever takes it over goes on by that one and by no other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final, Literal

from cutover.engines.api import (
    ActivityNode,
    ConditionNode,
    Edge,
    Engine,
    LoopNode,
    Node,
    RetryPolicy,
    StartNode,
    Workflow,
)
from cutover.harness.record.plays import PlayRecord
from cutover.harness.run.side.plays.performance import Performance, PlayStage
from cutover.harness.run.side.plays.workflows import HOUR_MS, chain, signals, wait
from cutover.scenarios.model import Response, Scenario

__all__ = ["DEFINING"]

_SENT: Final = signals("go", "pay", "sign")
_ONCE: Final = RetryPolicy(max_retries=0)
_AGAIN: Final = RetryPolicy(max_retries=1, initial_ms=1_000)
_REFUSED: Final = "odd"


def definitions(stage: PlayStage) -> Iterator[PlayRecord]:
    """One workflow id has two definitions, both in flight at once: each execution goes on by its own."""
    older = chain("older", wait("a", "go"), "pack", "ship", sent=signals("go"), workflow_id="orders")
    newer = chain("newer", "check", wait("a", "go"), "bill", sent=signals("go"), workflow_id="orders")
    both = [(older, "the older"), (newer, "the newer"), (older, "the older again")]
    engine = stage.engine()
    plays = [
        Performance(stage, scenario, engine, check="IDENT", name=f"{name} of two definitions")
        for scenario, name in both
    ]
    for play in plays:
        play.start()
    for play, same in zip(plays, (False, False, True), strict=True):
        if not same:
            play.by(stage.engine())
        play.finish()
    yield from (play.play() for play in plays)
    other = stage.engine()
    for what, (before, after) in _CHANGED.items():
        yield from _edited(stage, (engine, other), what, before, after)


def _edited(
    stage: PlayStage, workers: tuple[Engine, Engine], what: str, before: Node, after: Node
) -> Iterator[PlayRecord]:
    """An execution of each of two definitions that differ in one setting of one node; another worker goes on."""
    engine, other = workers
    plays = [
        Performance(stage, _with(node), engine, check="IDENT", name=f"the {age} of two that differ in {what}")
        for node, age in ((before, "older"), (after, "newer"))
    ]
    for play in plays:
        play.start()
    for play in plays[::-1]:
        play.by(other)
        play.send("s1-go")
        play.finish()
    yield from (play.play() for play in plays)


def _with(node: Node) -> Scenario:
    made = chain("edited", wait("a", "go"), node, "ship", sent=_SENT, workflow_id="edited")
    edges = tuple(
        replace(edge, port="true") if isinstance(node, ConditionNode) and edge.source == node.id else edge
        for edge in made.workflow.edges
    )
    made = replace(made, workflow=replace(made.workflow, edges=edges))
    return replace(made, world={**made.world, _REFUSED: (Response(error="busy"), Response(output="odd", echo=True))})


def _loop(items: str) -> LoopNode:
    nodes = (StartNode(id="start"), ActivityNode(id="note", activity="note"))
    turn = Workflow(id="turn", nodes=nodes, edges=(Edge(source="start", target="note"),))
    return LoopNode(id="each", items=items, body=turn)


def _odd(retry: RetryPolicy, on_error: Literal["fail", "continue"] = "fail") -> ActivityNode:
    return ActivityNode(id="odd", activity=_REFUSED, retry=retry, on_error=on_error)


_CHANGED: Final[Mapping[str, tuple[Node, Node]]] = {
    "an activity": (ActivityNode(id="do", activity="pack"), ActivityNode(id="do", activity="weigh")),
    "a signal": (wait("b", "pay"), wait("b", "sign")),
    "a timeout": (wait("b", timeout_ms=HOUR_MS), wait("b", timeout_ms=2 * HOUR_MS)),
    "a number of retries": (_odd(_ONCE), _odd(_AGAIN)),
    "what an error leads to": (_odd(_ONCE, "continue"), _odd(_ONCE)),
    "an expression": (
        ConditionNode(id="if", expression="`true`"),
        ConditionNode(id="if", expression="`false`"),
    ),
    "a loop's items": (_loop("[`1`]"), _loop("[`1`, `2`]")),
}
"""What is another setting of one node, before and after."""

DEFINING = (definitions,)
