"""The rules that a workflow and a scenario obey before anything runs them. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import singledispatch
from itertools import islice

import jmespath
from jmespath.exceptions import JMESPathError

from engines.api import (
    ActivityNode,
    ConditionNode,
    Edge,
    JoinNode,
    LoopNode,
    Node,
    StartNode,
    WaitNode,
    Workflow,
)
from scenarios.errors import ScenarioError
from scenarios.graph import cycle_in, endless_repeats, unreachable_in
from scenarios.model import Response, Scenario

__all__ = ["MAX_LOOP_DEPTH", "MAX_NAME", "MAX_NODES", "nodes_of", "validate_scenario", "validate_workflow"]

MAX_NODES = 5_000
"""Nodes in one workflow, its loops' bodies included."""
MAX_LOOP_DEPTH = 20
"""Loops within loops."""
MAX_NAME = 200
"""Characters in an id, an activity's name, a port or a signal's name."""
_MAX_EXPRESSION = 10_000
_MAX_PROBLEMS = 1_000
_INDEX = re.compile(r"\[\d+\]")
_AGAIN, _EXIT = "$again", "$exit."


def validate_workflow(workflow: Workflow) -> None:
    """Raises ScenarioError with every rule that the workflow breaks; paths in it begin at `$`."""
    _raise(_workflow_problems(workflow, "$"))


def validate_scenario(scenario: Scenario) -> None:
    """Raises ScenarioError with the rules that the scenario breaks: its workflow's, else what the world lacks."""
    _raise(_named("$.id", scenario.id))
    _raise(_workflow_problems(scenario.workflow, "$.workflow"))
    _raise(_world_problems(scenario))
    _raise(_signal_problems(scenario))


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


def _workflow_problems(workflow: Workflow, path: str) -> Iterator[str]:
    pending = [(workflow, path, False, 0)]
    count = 0
    for flow, at, repeat, depth in pending:
        count += len(flow.nodes)
        if count > MAX_NODES:
            yield f"{at}: more than {MAX_NODES:,} nodes; split the workflow"
            return
        if depth > MAX_LOOP_DEPTH:
            yield f"{at}: loops nest deeper than {MAX_LOOP_DEPTH} levels"
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
        shown = " -> ".join(_show(node) for node in cycle)
        yield f"{path}.edges: a cycle, {shown}; a graph has none, fold it into a loop with `repeat`"
        return
    for index, node in unreachable_in(flow):
        yield f"{path}.nodes[{index}] ({_show(node)}): cannot be reached from the start node"
    for index, edge in endless_repeats(flow):
        yield f"{_edge_at(path, index, edge)}: is taken in every iteration, so the loop cannot end"


def _level_problems(flow: Workflow, path: str, *, repeat: bool) -> Iterator[str]:
    yield from _named(f"{path}.id", flow.id)
    starts = sum(isinstance(node, StartNode) for node in flow.nodes)
    if starts != 1:
        yield f"{path}.nodes: {starts} nodes of kind start; a workflow has exactly one"
    seen: set[str] = set()
    for index, node in enumerate(flow.nodes):
        at = f"{path}.nodes[{index}]"
        yield from _named(f"{at}.id", node.id, forbidden="/[]")
        if node.id in seen:
            yield f"{at} ({_show(node.id)}): another node of this workflow has the same id"
        seen.add(node.id)
        yield from _node_problems(node, f"{at} ({_show(node.id)})")
    yield from _edge_problems(flow, path, repeat=repeat)


@singledispatch
def _node_problems(node: Node, at: str) -> Iterator[str]:
    """What is wrong with a node by itself."""
    del node, at
    yield from ()


@_node_problems.register
def _(node: ActivityNode, at: str) -> Iterator[str]:
    yield from _named(f"{at}.activity", node.activity)


@_node_problems.register
def _(node: ConditionNode, at: str) -> Iterator[str]:
    yield from _expression_problems(f"{at}.expression", node.expression)
    for i, case in enumerate(node.cases):
        yield from _named(f"{at}.cases[{i}].port", case.port)
        value: object = case.value
        if not isinstance(value, str | int | float | bool | None):
            yield f"{at}.cases[{i}].value: must be text, a number, true, false or null"


@_node_problems.register
def _(node: WaitNode, at: str) -> Iterator[str]:
    if node.signal is not None:
        yield from _named(f"{at}.signal", node.signal)
    elif node.timeout_ms is None:
        yield f"{at}: a wait needs a `signal`, a `timeout_ms` or both"


@_node_problems.register
def _(node: LoopNode, at: str) -> Iterator[str]:
    if (node.items is not None) == node.repeat:
        yield f"{at}: a loop has exactly one of `items` and `repeat`"
    if node.items is not None:
        yield from _expression_problems(f"{at}.items", node.items)


def _expression_problems(at: str, expression: str) -> Iterator[str]:
    if len(expression) > _MAX_EXPRESSION:
        yield f"{at}: an expression of {len(expression):,} characters; at most {_MAX_EXPRESSION:,} are read"
        return
    if not _storable(expression):
        yield f"{at}: {_show(expression)} has a NUL or a lone surrogate"
        return
    try:
        jmespath.compile(expression)
    except RecursionError:
        yield f"{at}: {_show(expression)} is no JMESPath: nests too deeply"
    except (JMESPathError, ValueError) as error:
        reason = str(error).partition(", for expression")[0].splitlines()[0].rstrip(":")
        yield f"{at}: {_show(expression)} is no JMESPath: {reason}"


def _edge_problems(flow: Workflow, path: str, *, repeat: bool) -> Iterator[str]:
    nodes: dict[str, Node] = {node.id: node for node in flow.nodes}
    counts = Counter(flow.edges)
    for index, edge in enumerate(flow.edges):
        at = _edge_at(path, index, edge)
        if counts[edge] > 1:
            yield f"{at}: is there {counts[edge]} times"
            counts[edge] = 0
        source = nodes.get(edge.source)
        if source is None:
            yield f"{at}: no node has the id of its source"
        else:
            yield from _port_problems(source, edge.port, at)
        if edge.target.startswith("$"):
            yield from _exit_problems(edge.target, at, repeat=repeat)
        elif edge.target not in nodes:
            yield f"{at}: no node has the id of its target"
        elif isinstance(nodes[edge.target], StartNode):
            yield f"{at}: leads to the start node, which has no incoming edges"


def _port_problems(source: Node, port: str, at: str) -> Iterator[str]:
    yield from _named(f"{at}.port", port)
    ports = _ports(source)
    if ports is not None and port not in ports:
        known = ", ".join(_show(name) for name in ports) or "none"
        yield f"{at}: a node of kind {source.kind} does not leave by {_show(port)}; its ports are: {known}"


def _ports(node: Node) -> tuple[str, ...] | None:
    """The ports by which a node may leave; None where the world's responses name them."""
    match node:
        case ActivityNode():
            return None
        case ConditionNode(cases=()):
            return ("true", "false")
        case ConditionNode():
            return (*dict.fromkeys(case.port for case in node.cases), "default")
        case WaitNode() if node.signal is not None and node.timeout_ms is not None:
            return ("out", "timeout")
        case LoopNode(repeat=True):
            exits = (edge.target for edge in node.body.edges if edge.target.startswith(_EXIT))
            return tuple(dict.fromkeys(target.removeprefix(_EXIT) for target in exits))
        case StartNode() | JoinNode() | WaitNode() | LoopNode():
            return ("out",)


def _exit_problems(target: str, at: str, *, repeat: bool) -> Iterator[str]:
    if target != _AGAIN and not target.startswith(_EXIT):
        yield f"{at}: an edge leads to a node, to `$again` or to `$exit.PORT`"
    elif not repeat:
        yield f"{at}: only the body of a loop with `repeat` has edges to {_show(target)}"
    elif target != _AGAIN:
        yield from _named(f"{at}.target", target.removeprefix(_EXIT))


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
                yield f"$.world: no responses for {_show(path)}; plan them by that or by its activity's name"
    for key, responses in scenario.world.items():
        at = f"$.world[{_show(key)}]"
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
        yield from _named(f"{at}.ports", port)
    if len(set(response.ports)) < len(response.ports):
        yield f"{at}.ports: names a port twice"
    if response.error is not None:
        if not response.error:
            yield f"{at}.error: is empty; say what went wrong"
        elif not _storable(response.error):
            yield f"{at}.error: has a NUL or a lone surrogate, which no database column of text can hold"


def _signal_problems(scenario: Scenario) -> Iterator[str]:
    waits = [node for _, node in nodes_of(scenario.workflow) if isinstance(node, WaitNode)]
    awaited = {node.signal for node in waits}
    ids: Mapping[str, int] = Counter(signal.id for signal in scenario.signals)
    for i, signal in enumerate(scenario.signals):
        at = f"$.signals[{i}] ({_show(signal.id)})"
        yield from _named(f"$.signals[{i}].id", signal.id)
        if ids[signal.id] > 1:
            yield f"{at}: another signal has the same id"
        if signal.name not in awaited:
            yield f"{at}: no wait awaits a signal named {_show(signal.name)}"
    if scenario.cancel_at_pause is not None and not waits:
        yield "$.cancel_at_pause: the workflow has no wait, so it never pauses"


def _named(at: str, name: str, *, forbidden: str = "") -> Iterator[str]:
    """What is wrong with a name that goes into step ids, columns of text and log lines."""
    if not name:
        yield f"{at}: is empty"
    elif len(name) > MAX_NAME:
        yield f"{at}: has {len(name):,} characters; at most {MAX_NAME} are kept"
    elif name.startswith("$"):
        yield f"{at}: {_show(name)} begins with $, which is kept for `$again` and `$exit.PORT`"
    elif not _storable(name) or any(ord(char) < 32 or ord(char) == 127 for char in name):
        yield f"{at}: {_show(name)} has a control character or a lone surrogate"
    elif bad := sorted(set(name) & set(forbidden)):
        yield f"{at}: {_show(name)} has {' '.join(bad)}, which is kept for step ids"


def _storable(text: str) -> bool:
    return "\0" not in text and not any("\ud800" <= char <= "\udfff" for char in text)


def _edge_at(path: str, index: int, edge: Edge) -> str:
    return f"{path}.edges[{index}] ({_show(edge.source)}.{_show(edge.port)} -> {_show(edge.target)})"


def _show(text: str) -> str:
    short = text if len(text) <= 60 else text[:57] + "..."
    return short if short.isprintable() and short else ascii(short)
