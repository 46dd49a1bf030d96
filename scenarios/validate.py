"""The rules that a workflow and a scenario obey before anything runs them. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice

from cutover.engines.api import (
    ActivityNode,
    ConditionNode,
    LoopNode,
    Node,
    StartNode,
    WaitNode,
    Workflow,
)
from cutover.scenarios.errors import ScenarioError
from cutover.scenarios.expressions import excess
from cutover.scenarios.graph import cycle_in, endless_repeats, unreachable_in
from cutover.scenarios.inputs.limits import LOOP_LEVELS, NODES, SCENARIO_BYTES
from cutover.scenarios.model import Response, Scenario
from cutover.scenarios.origin import ORIGIN, ORIGIN_RULE
from cutover.scenarios.rules import edge_at, edge_problems, named, node_problems, show, storable
from cutover.scenarios.writer import dumps_line

__all__ = ["expression_problems", "nodes_of", "validate_scenario", "validate_workflow"]

_MAX_PROBLEMS = 1_000
_INDEX = re.compile(r"\[\d+\]")


def validate_workflow(workflow: Workflow) -> None:
    """Raises ScenarioError with every rule that the workflow breaks; paths in it begin at `$`."""
    _raise(_workflow_problems(workflow, "$"))


def validate_scenario(scenario: Scenario) -> None:
    """Raises ScenarioError with the rules that the scenario breaks: its workflow's, else what the world lacks."""
    _raise(named("$.id", scenario.id))
    _raise(_origin_problems(scenario.origin))
    _raise(_workflow_problems(scenario.workflow, "$.workflow"))
    _raise(_world_problems(scenario))
    _raise(_signal_problems(scenario))
    _raise(expression_problems(scenario))


def nodes_of(workflow: Workflow) -> Iterator[tuple[tuple[str, ...], Node]]:
    """Every node with the ids of the loops around it, outermost first; bodies come after the level that holds them."""
    pending: list[tuple[tuple[str, ...], Workflow]] = [((), workflow)]
    for loops, flow in pending:
        for node in flow.nodes:
            yield loops, node
            if isinstance(node, LoopNode):
                pending.append(((*loops, node.id), node.body))


def _raise(problems: Iterator[str]) -> None:
    found = tuple(islice(problems, _MAX_PROBLEMS))
    if found:
        raise ScenarioError(*found)


def _origin_problems(origin: str) -> Iterator[str]:
    if not re.fullmatch(ORIGIN, origin):
        yield f"$.origin: {ORIGIN_RULE}"


def _workflow_problems(workflow: Workflow, path: str) -> Iterator[str]:
    pending = [(workflow, path, False, 0)]
    count = 0
    for flow, at, repeat, depth in pending:
        count += len(flow.nodes)
        if count > NODES.most:
            yield f"{at}: more than {NODES}; split the workflow"
            return
        if depth > LOOP_LEVELS.most:
            yield f"{at}: loops nest deeper than {LOOP_LEVELS}"
            return
        yield from _flow_problems(flow, at, repeat=repeat)
        pending.extend(
            (node.body, f"{at}.nodes[{i}].body", node.repeat, depth + 1)
            for i, node in enumerate(flow.nodes)
            if isinstance(node, LoopNode)
        )


def _flow_problems(flow: Workflow, path: str, *, repeat: bool) -> Iterator[str]:
    """The problems of one level; what needs a sound graph is looked at only where ids and edges are sound."""
    found = False
    for problem in _level_problems(flow, path, repeat=repeat):
        found = True
        yield problem
    if found:
        return
    if cycle := cycle_in(flow):
        shown = " -> ".join(show(node) for node in cycle)
        yield f"{path}.edges: a cycle, {shown}; a graph has none, fold it into a loop with `repeat`"
        return
    for index, node in unreachable_in(flow):
        yield f"{path}.nodes[{index}] ({show(node)}): cannot be reached from the start node"
    for index, edge in endless_repeats(flow):
        yield f"{edge_at(path, index, edge)}: is taken in every iteration, so the loop cannot end"


def _level_problems(flow: Workflow, path: str, *, repeat: bool) -> Iterator[str]:
    yield from named(f"{path}.id", flow.id)
    starts = sum(isinstance(node, StartNode) for node in flow.nodes)
    if starts != 1:
        yield f"{path}.nodes: {starts} nodes of kind start; a workflow has exactly one"
    seen: set[str] = set()
    for index, node in enumerate(flow.nodes):
        at = f"{path}.nodes[{index}]"
        yield from named(f"{at}.id", node.id, forbidden="/[]")
        if node.id in seen:
            yield f"{at} ({show(node.id)}): another node of this workflow has the same id"
        seen.add(node.id)
        yield from node_problems(node, f"{at} ({show(node.id)})")
    yield from edge_problems(flow, path, repeat=repeat)


def expression_problems(scenario: Scenario, size: int | None = None) -> Iterator[str]:
    """Yields which expressions might come to too much on an input as large as the scenario.

    `size` is that of its JSON, in characters; without it, it is measured where an expression might come to much at all.
    Expressions that are not JMESPath are passed over: they have no value, whatever the input.
    """
    costly = [
        (node.id, expression)
        for _, node in nodes_of(scenario.workflow)
        if isinstance(node, ConditionNode | LoopNode)
        for expression in (node.expression if isinstance(node, ConditionNode) else node.items,)
        if expression is not None and excess(expression, SCENARIO_BYTES.most)
    ]
    if not costly:
        return
    size = len(dumps_line(scenario)) if size is None else size
    for node_id, expression in costly:
        if too_much := excess(expression, size):
            yield f"$.workflow: node {show(node_id)}: {show(expression)} {too_much}"


def _world_problems(scenario: Scenario) -> Iterator[str]:
    """Activities without a response, and responses that no activity can ask for."""
    depths: dict[str, int] = {}
    activities: set[str] = set()
    answered = {_INDEX.sub("", key) for key in scenario.world}
    for loops, node in nodes_of(scenario.workflow):
        if isinstance(node, ActivityNode):
            path = "/".join((*loops, node.id))
            depths[path] = len(loops)
            activities.add(node.activity)
            if path not in answered and node.activity not in scenario.world:
                yield f"$.world: no responses for {show(path)}; plan them by that or by its activity's name"
    for key, responses in scenario.world.items():
        at = f"$.world[{show(key)}]"
        path = _INDEX.sub("", key)
        if key not in activities and path not in depths:
            yield f"{at}: is neither an activity's step id, nor its path, nor its activity's name"
        elif path in depths and key not in activities and len(_INDEX.findall(key)) not in {0, depths[path]}:
            yield f"{at}: a step id has the iteration of every loop, a path of none"
        for i, response in enumerate(responses):
            yield from _response_problems(response, f"{at}[{i}]")
        if not responses:
            yield f"{at}: needs at least one response"


def _response_problems(response: Response, at: str) -> Iterator[str]:
    for port in response.ports:
        yield from named(f"{at}.ports", port)
    if len(set(response.ports)) < len(response.ports):
        yield f"{at}.ports: names a port twice"
    if response.error is not None:
        if not response.error:
            yield f"{at}.error: is empty; say what went wrong"
        elif not storable(response.error):
            yield f"{at}.error: has a NUL or a lone surrogate, which no database column of text can hold"


def _signal_problems(scenario: Scenario) -> Iterator[str]:
    waits = [node for _, node in nodes_of(scenario.workflow) if isinstance(node, WaitNode)]
    awaited = {node.signal for node in waits}
    ids: Mapping[str, int] = Counter(signal.id for signal in scenario.signals)
    for i, signal in enumerate(scenario.signals):
        at = f"$.signals[{i}] ({show(signal.id)})"
        yield from named(f"$.signals[{i}].id", signal.id)
        if ids[signal.id] > 1:
            yield f"{at}: another signal has the same id"
        if signal.name not in awaited:
            yield f"{at}: no wait awaits a signal named {show(signal.name)}"
    if scenario.cancel_at_pause is not None and not waits:
        yield "$.cancel_at_pause: the workflow has no wait, so it never pauses"
