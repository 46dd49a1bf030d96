"""What one scenario shows when it runs: each boundary value with its place, and the features of the language. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Final, NamedTuple

from cutover.engines.api import (
    ActivityNode,
    ConditionNode,
    JsonText,
    JsonValue,
    LoopNode,
    Node,
    WaitNode,
    Workflow,
)
from cutover.engines.payloads import decode
from cutover.harness.judge.reference.model import Expected, ExpectedStep
from cutover.harness.judge.summaries.nestings import all_before
from cutover.scenarios.boundaries.boundary import Boundary, BoundaryKind, BoundaryPlace
from cutover.scenarios.boundaries.limits import of_policy, of_timeout
from cutover.scenarios.boundaries.recognition import names_in, of_name, of_value
from cutover.scenarios.generated.combining import Feature
from cutover.scenarios.model import Scenario
from cutover.scenarios.validate import nodes_of

__all__ = ["Sighting", "branches_of", "features_of", "sightings"]

_ITERATION: Final = re.compile(r"\[\d+\]")
_NOT_RUN: Final = frozenset({"skipped", "pending"})


class Sighting(NamedTuple):
    """A kind of value in a place; the name is empty where the value is none of the catalogue's."""

    place: BoundaryPlace
    kind: BoundaryKind
    name: str


def sightings(scenario: Scenario, expected: Expected) -> Iterator[Sighting]:
    """Yields every boundary value that the scenario shows when it runs as expected, some of them more than once."""
    yield from _payload("input", scenario.input)
    nodes = {"/".join((*loops, node.id)): node for loops, node in nodes_of(scenario.workflow)}
    names: dict[BoundaryPlace, set[str]] = {"workflow id": {scenario.workflow.id}}
    for step_id, step in expected.steps.items():
        path = _ITERATION.sub("", step_id)
        node = nodes.get(path)
        if step.status in _NOT_RUN or node is None:
            continue
        around = nodes.get(path.rpartition("/")[0])
        error = expected.outcome.steps[step_id].error if step_id in expected.outcome.steps else None
        yield from _of_step(node, step, error)
        if step.kind == "start" and isinstance(around, LoopNode) and around.items is not None:
            yield from _text("item", step.output)
        for place, text in _names(node, step):
            names.setdefault(place, set()).add(text)
    for place, texts in names.items():
        for text in texts:
            yield from (Sighting(place, kind, name) for kind, name in of_name(text) if kind != "look-alike")
        beside = _wired(scenario.workflow, nodes) if place == "port" else frozenset[str]()
        alike = names_in(texts, beside) if place != "workflow id" else of_name(scenario.workflow.id)
        yield from (Sighting(place, kind, name) for kind, name in alike)


def _wired(workflow: Workflow, nodes: Mapping[str, Node]) -> frozenset[str]:
    """Returns every port that an edge leaves by, taken or not."""
    levels = (workflow, *(node.body for node in nodes.values() if isinstance(node, LoopNode)))
    return frozenset(edge.port for level in levels for edge in level.edges)


def features_of(expected: Expected) -> frozenset[Feature]:
    """Returns which features the scenario shows when it runs as expected."""
    return frozenset(_features(expected))


def branches_of(expected: Expected) -> int:
    """Returns how many branches its widest fan has: they lead away from one step, and to one."""
    steps = [step for step in expected.steps.values() if step.status not in _NOT_RUN]
    away = Counter(source for step in steps for source in step.waits.all_of)
    return min(max(away.values(), default=0), max((len(step.waits.all_of) for step in steps), default=0))


def _features(expected: Expected) -> Iterator[Feature]:
    steps = [step for step in expected.steps.values() if step.status not in _NOT_RUN]
    if any(step.step_id.count("[") > 1 for step in steps):
        yield "nested loops"
    if any("[2]/" in step.step_id for step in steps):
        yield "three iterations"
    if sum(step.kind == "activity" and step.status == "completed" for step in steps) > 1:
        yield "two activities"
    if any(step.woken_by == "timer" for step in steps):
        yield "wait"
    if any(step.woken_by not in {None, "timer"} for step in steps):
        yield "signal"
    if any(step.attempts > 1 for step in steps):
        yield "retry"
    beside = Counter(step.waits for step in steps if step.kind != "start" and step.waits.all_of)
    if any(count > 1 for count in beside.values()) or any(_meet(step, expected) for step in steps):
        yield "parallel branches"


def _meet(step: ExpectedStep, expected: Expected) -> bool:
    """Whether two of the steps that it waits for have run side by side: neither waits for the other."""
    if len(step.waits.all_of) < 2:
        return False
    before = {step_id: all_before(step_id, expected) for step_id in step.waits.all_of}
    return any(one not in before[other] and other not in before[one] for one, other in combinations(before, 2))


def _of_step(node: Node, step: ExpectedStep, error: str | None) -> Iterator[Sighting]:
    match node:
        case ActivityNode():
            if step.status == "failed":
                yield from _error(error)
            else:
                yield from _text("output", step.output)
            if step.attempts > 1 or step.status == "failed":
                yield from _limit("retry", of_policy(node.retry))
        case ConditionNode():
            yield from _cases(node, step)
        case WaitNode() if step.woken_by == "timer":
            yield from _limit("wait", of_timeout(node.timeout_ms))
        case WaitNode() if step.woken_by is not None:
            yield from _text("signal", step.output)
        case LoopNode() if node.items is not None and step.status == "completed" and step.output is not None:
            results = decode(step.output)
            for result in results if isinstance(results, list) else ():
                yield from _payload("result", result)


def _cases(node: ConditionNode, step: ExpectedStep) -> Iterator[Sighting]:
    """Yields the value that it left by, and those that look like it."""
    met = next((case for case in node.cases if step.ports == (case.port,)), None)
    if met is not None:
        yield from _payload("case", met.value)
        alike = names_in({case.value for case in node.cases if isinstance(case.value, str)})
        yield from (Sighting("case", kind, name) for kind, name in alike)


def _names(node: Node, step: ExpectedStep) -> Iterator[tuple[BoundaryPlace, str]]:
    yield "step id", node.id
    match node:
        case ActivityNode():
            yield "activity", node.activity
            yield from (("port", port) for port in step.ports)
        case WaitNode(signal=str() as signal):
            yield "signal name", signal


def _error(error: str | None) -> Iterator[Sighting]:
    for kind, name in of_name(error or ""):
        yield Sighting("error", kind, name)


def _limit(place: BoundaryPlace, boundary: Boundary | None) -> Iterator[Sighting]:
    if boundary is not None:
        yield Sighting(place, boundary.kind, boundary.name)


def _text(place: BoundaryPlace, text: JsonText | None) -> Iterator[Sighting]:
    if text is not None:
        yield from _payload(place, decode(text))


def _payload(place: BoundaryPlace, value: JsonValue) -> Iterator[Sighting]:
    yield from (Sighting(place, kind, name) for kind, name in of_value(value))
