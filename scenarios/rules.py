"""The rules for nodes, edges and names: each function yields the problems that it finds, with their place. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import singledispatch

import jmespath
from jmespath.exceptions import JMESPathError

from cutover.engines.api import (
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
from cutover.scenarios.expressions import excess
from cutover.scenarios.inputs.limits import EXPRESSION_CHARACTERS, NAME_CHARACTERS

__all__ = ["edge_at", "edge_problems", "named", "node_problems", "show", "storable"]

_AGAIN, _EXIT = "$again", "$exit."


@singledispatch
def node_problems(node: Node, at: str) -> Iterator[str]:
    """What is wrong with a node by itself."""
    del node, at
    yield from ()


@node_problems.register
def _(node: ActivityNode, at: str) -> Iterator[str]:
    yield from named(f"{at}.activity", node.activity)


@node_problems.register
def _(node: ConditionNode, at: str) -> Iterator[str]:
    yield from _expression_problems(f"{at}.expression", node.expression)
    for i, case in enumerate(node.cases):
        yield from named(f"{at}.cases[{i}].port", case.port)
        value: object = case.value
        if not isinstance(value, str | int | float | bool | None):
            yield f"{at}.cases[{i}].value: must be text, a number, true, false or null"


@node_problems.register
def _(node: WaitNode, at: str) -> Iterator[str]:
    if node.signal is not None:
        yield from named(f"{at}.signal", node.signal)
    elif node.timeout_ms is None:
        yield f"{at}: a wait needs a `signal`, a `timeout_ms` or both"


@node_problems.register
def _(node: LoopNode, at: str) -> Iterator[str]:
    if (node.items is not None) == node.repeat:
        yield f"{at}: a loop has exactly one of `items` and `repeat`"
    if node.items is not None:
        yield from _expression_problems(f"{at}.items", node.items)


def _expression_problems(at: str, expression: str) -> Iterator[str]:
    if len(expression) > EXPRESSION_CHARACTERS.most:
        yield f"{at}: an expression of {len(expression):,} characters; at most {EXPRESSION_CHARACTERS.most:,} are read"
        return
    if not storable(expression):
        yield f"{at}: {show(expression)} has a NUL or a lone surrogate"
        return
    try:
        jmespath.compile(expression)
        if too_much := excess(expression, 0):
            yield f"{at}: {show(expression)} {too_much}"
    except RecursionError:
        yield f"{at}: {show(expression)} is not JMESPath: nests too deeply"
    except (JMESPathError, ValueError) as error:
        reason = str(error).partition(", for expression")[0].splitlines()[0].rstrip(":")
        yield f"{at}: {show(expression)} is not JMESPath: {reason}"


def edge_problems(flow: Workflow, path: str, *, repeat: bool) -> Iterator[str]:
    """What is wrong with the edges of one level; `repeat` says that it is the body of a repeating loop."""
    nodes: dict[str, Node] = {node.id: node for node in flow.nodes}
    counts = Counter(flow.edges)
    for index, edge in enumerate(flow.edges):
        at = edge_at(path, index, edge)
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
    yield from named(f"{at}.port", port)
    ports = _ports(source)
    if ports is not None and port not in ports:
        known = ", ".join(show(name) for name in ports) or "none"
        yield f"{at}: a node of kind {source.kind} does not leave by {show(port)}; its ports are: {known}"


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
        yield f"{at}: only the body of a loop with `repeat` has edges to {show(target)}"
    elif target != _AGAIN:
        yield from named(f"{at}.target", target.removeprefix(_EXIT))


def named(at: str, name: str, *, forbidden: str = "") -> Iterator[str]:
    """What is wrong with a name that goes into step ids, columns of text and log lines."""
    if not name:
        yield f"{at}: is empty"
    elif len(name) > NAME_CHARACTERS.most:
        yield f"{at}: has {len(name):,} characters; at most {NAME_CHARACTERS.most} are kept"
    elif name.startswith("$"):
        yield f"{at}: {show(name)} begins with $, which is kept for `$again` and `$exit.PORT`"
    elif not storable(name) or any(ord(char) < 32 or ord(char) == 127 for char in name):
        yield f"{at}: {show(name)} has a control character or a lone surrogate"
    elif bad := sorted(set(name) & set(forbidden)):
        yield f"{at}: {show(name)} has {' '.join(bad)}, which is kept for step ids"


def storable(text: str) -> bool:
    """Whether a text column can hold it."""
    return "\0" not in text and not any("\ud800" <= char <= "\udfff" for char in text)


def edge_at(path: str, index: int, edge: Edge) -> str:
    """The edge's place and its ends."""
    return f"{path}.edges[{index}] ({show(edge.source)}.{show(edge.port)} -> {show(edge.target)})"


def show(text: str) -> str:
    """The text, shortened and made printable."""
    short = text if len(text) <= 60 else text[:57] + "..."
    return short if short.isprintable() and short else ascii(short)
