"""Which features a scenario shows in which loops, and beside which open loops, when it runs. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Final

from cutover.engines.api import ActivityNode, JoinNode, LoopNode, Node, WaitNode
from cutover.harness.judge.reference.model import Expected, ExpectedStep
from cutover.scenarios.generated.nesting import NESTINGS, BesideFeature, LoopKind, LoopNesting, NestedFeature
from cutover.scenarios.model import Scenario
from cutover.scenarios.validate import nodes_of

__all__ = ["NestedSighting", "all_before", "nested_features"]

NestedSighting = tuple[NestedFeature | BesideFeature, LoopNesting]
_ITERATION: Final = re.compile(r"\[\d+\]")
_ENDED_WAIT: Final = frozenset({"completed", "cancelled"})


def nested_features(scenario: Scenario, expected: Expected) -> frozenset[NestedSighting]:
    """Returns each feature with the loops that it is in; of more than two loops, the innermost two."""
    nodes = {"/".join((*loops, node.id)): node for loops, node in nodes_of(scenario.workflow)}
    if not any(isinstance(node, LoopNode) for node in nodes.values()):
        return frozenset(
            (feature, "outside loops")
            for step in expected.steps.values()
            for feature in _features(nodes[_path(step.step_id)], step)
        )
    found: set[NestedSighting] = set()
    for step in expected.steps.values():
        nesting = _nesting(_path(step.step_id), nodes)
        found.update((feature, nesting) for feature in _features(nodes[_path(step.step_id)], step))
    found.update(_beside(expected, nodes))
    return frozenset(found)


def _path(step_id: str) -> str:
    return _ITERATION.sub("", step_id)


def _nesting(path: str, nodes: Mapping[str, Node]) -> LoopNesting:
    kinds: list[LoopKind] = []
    around = path.rpartition("/")[0]
    while around and len(kinds) < 2:
        loop = nodes[around]
        kinds.insert(0, "items" if isinstance(loop, LoopNode) and loop.items is not None else "turns")
        around = around.rpartition("/")[0]
    return NESTINGS[tuple(kinds)]


def _features(node: Node, step: ExpectedStep) -> Iterator[NestedFeature]:
    match node:
        case ActivityNode(on_error=on_error):
            if step.attempts > 1:
                yield "a retry"
            if step.status == "failed":
                told: Mapping[str, NestedFeature] = {"continue": "an error passed over", "route": "an error routed"}
                yield told.get(on_error, "a failure")
        case JoinNode(mode=mode) if step.status == "completed":
            if mode == "any" and len(step.waits.any_of) > 1:
                yield "a join for any"
            elif mode == "all" and len(step.waits.all_of) > 1:
                yield "a join for all"
        case WaitNode(signal=signal) if step.woken_by is not None:
            yield "a signal" if step.woken_by != "timer" else "a timer" if signal is None else "a timeout"
        case _ if node.kind == "condition" and step.status == "completed":
            yield "a condition"


def _beside(expected: Expected, nodes: Mapping[str, Node]) -> Iterator[NestedSighting]:
    """Yields what is side by side with a loop in which something waits: neither is done before the other begins."""
    paused = [step for step in expected.steps.values() if step.kind == "wait" and step.status in _ENDED_WAIT]
    around = {loop for step in paused for loop in _loops_around(step.step_id)}
    open_loops = [step for step in expected.steps.values() if step.step_id in around]
    failed = [step for step in expected.steps.values() if step.kind == "activity" and step.status == "failed"]
    for loop, other in combinations(open_loops, 2):
        if _side_by_side(loop, other, expected):
            yield "two open loops", _nesting(_path(loop.step_id), nodes)
    for loop in open_loops:
        for step in paused:
            if _side_by_side(loop, step, expected):
                yield "a wait beside an open loop", _nesting(_path(loop.step_id), nodes)
        for step in failed if loop.status == "cancelled" else ():
            if _side_by_side(loop, step, expected):
                yield "a failure beside an open loop", _nesting(_path(loop.step_id), nodes)


def _loops_around(step_id: str) -> Iterator[str]:
    around = step_id.rpartition("/")[0]
    while around:
        yield around.rpartition("[")[0]
        around = around.rpartition("/")[0]


def _side_by_side(one: ExpectedStep, other: ExpectedStep, expected: Expected) -> bool:
    if one.step_id.rpartition("/")[0] != other.step_id.rpartition("/")[0]:
        return False
    return one.step_id not in all_before(other.step_id, expected) and other.step_id not in all_before(
        one.step_id, expected
    )


def all_before(step_id: str, expected: Expected) -> set[str]:
    """Returns all steps that have ended before that one begins, by the edges."""
    found: set[str] = set()
    pending = [step_id]
    while pending:
        step = expected.steps.get(pending.pop())
        new = (step.waits.all_of | step.waits.any_of) - found if step is not None else frozenset[str]()
        found |= new
        pending += new
    return found
