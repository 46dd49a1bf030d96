"""A workflow made ready to run: indexed, checked against the rules of its language, expressions compiled. Pure."""

from __future__ import annotations

import json
from typing import Any

import jmespath
from pydantic import TypeAdapter, ValidationError

from cutover.engines.api import ConditionNode, Edge, JsonText, LoopNode, Node, StartNode, WaitNode, Workflow
from cutover.engines.errors import WorkflowRefused
from cutover.engines.payloads import MAX_BYTES, decode, storable_text

__all__ = ["AGAIN", "EXIT", "MAX_LOOP_DEPTH", "Graph", "dump", "load"]

AGAIN, EXIT = "$again", "$exit."
MAX_LOOP_DEPTH = 50
"""Loops within loops; the stored definition must nest less deeply than JSON may."""

_adapter: TypeAdapter[Workflow] = TypeAdapter(Workflow)


class Graph:
    """One level of a workflow. Nodes are known by their place in definition order, from 0.

    `outgoing[i]` lists (port, target), the target an index or the name of a way out of a repeating loop;
    `incoming[i]` counts the edges into a node; `order` is topological; `bodies` and `expressions` belong to nodes.
    """

    __slots__ = ("bodies", "expressions", "incoming", "index", "nodes", "order", "outgoing", "start")

    def __init__(self, workflow: Workflow, *, repeat: bool = False, depth: int = 0) -> None:
        if depth > MAX_LOOP_DEPTH:
            raise WorkflowRefused(f"workflow {workflow.id!r}: loops nest deeper than {MAX_LOOP_DEPTH} levels")
        self.nodes: tuple[Node, ...] = workflow.nodes
        self.index: dict[str, int] = {}
        self.expressions: dict[int, Any] = {}
        self.bodies: dict[int, Graph] = {}
        for place, node in enumerate(workflow.nodes):
            self._add_node(workflow, place, node, depth)
        starts = [place for place, node in enumerate(workflow.nodes) if isinstance(node, StartNode)]
        if len(starts) != 1:
            raise WorkflowRefused(f"workflow {workflow.id!r} has {len(starts)} start nodes; it needs exactly one")
        self.start = starts[0]
        self.outgoing: list[list[tuple[str, int | str]]] = [[] for _ in workflow.nodes]
        self.incoming: list[int] = [0] * len(workflow.nodes)
        for edge in workflow.edges:
            self._add_edge(workflow, edge, repeat=repeat)
        self.order = self._sorted(workflow)

    def _add_node(self, workflow: Workflow, place: int, node: Node, depth: int) -> None:
        where = f"node {node.id!r} of workflow {workflow.id!r}"
        if not node.id or node.id.startswith("$") or "/" in node.id or storable_text(node.id) != node.id:
            raise WorkflowRefused(f"{where}: an id is text without NUL, lone surrogates or '/', and no '$' before it")
        if node.id in self.index:
            raise WorkflowRefused(f"{where}: another node has the same id")
        self.index[node.id] = place
        match node:
            case ConditionNode():
                self.expressions[place] = _compiled(node.expression, where)
                for case in node.cases:
                    _port(case.port, where)
            case WaitNode(signal=None, timeout_ms=None):
                raise WorkflowRefused(f"{where}: a wait needs a signal, a timeout_ms or both")
            case WaitNode(signal=str(signal)) if storable_text(signal) != signal:
                raise WorkflowRefused(f"{where}: a signal's name is text without NUL and lone surrogates")
            case LoopNode():
                if (node.items is not None) == node.repeat:
                    raise WorkflowRefused(f"{where}: a loop has either items or repeat")
                if node.items is not None:
                    self.expressions[place] = _compiled(node.items, where)
                self.bodies[place] = Graph(node.body, repeat=node.repeat, depth=depth + 1)
            case _:
                pass

    def _add_edge(self, workflow: Workflow, edge: Edge, *, repeat: bool) -> None:
        where = f"edge {edge.source!r}.{edge.port!r} -> {edge.target!r} of workflow {workflow.id!r}"
        source = self.index.get(edge.source)
        if source is None:
            raise WorkflowRefused(f"{where}: no node has the id of its source")
        target: int | str
        if edge.target.startswith("$"):
            if not repeat or (edge.target != AGAIN and not edge.target.startswith(EXIT)):
                raise WorkflowRefused(f"{where}: only a repeating loop's body has edges to $again and $exit.PORT")
            target = edge.target
            _port(target, where)
        else:
            if edge.target not in self.index:
                raise WorkflowRefused(f"{where}: no node has the id of its target")
            target = self.index[edge.target]
            if target == self.start:
                raise WorkflowRefused(f"{where}: the start node has no incoming edges")
            self.incoming[target] += 1
        self.outgoing[source].append((edge.port, target))

    def _sorted(self, workflow: Workflow) -> tuple[int, ...]:
        left = list(self.incoming)
        found = [place for place, count in enumerate(left) if count == 0]
        for place in found:
            for _, target in self.outgoing[place]:
                if isinstance(target, int):
                    left[target] -= 1
                    if left[target] == 0:
                        found.append(target)
        if len(found) < len(left):
            stuck = [self.nodes[place].id for place, count in enumerate(left) if count]
            raise WorkflowRefused(f"workflow {workflow.id!r} has a cycle through {stuck[:10]}; fold it into a loop")
        return tuple(found)


def dump(workflow: Workflow) -> JsonText:
    """The workflow as it is stored with its execution; raises WorkflowRefused where JSON cannot carry it."""
    try:
        text = json.dumps(_adapter.dump_python(workflow), allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise WorkflowRefused(f"workflow {workflow.id!r} cannot be stored: {error}") from error
    if len(text) > MAX_BYTES:
        raise WorkflowRefused(
            f"workflow {workflow.id!r} is {len(text):,} bytes of JSON; at most {MAX_BYTES:,} are kept"
        )
    return text


def load(text: JsonText) -> Workflow:
    """The workflow that `dump` was given."""
    try:
        return _adapter.validate_python(decode(text))
    except ValidationError as error:
        raise WorkflowRefused(f"a stored workflow cannot be read: {error.errors()[0]['msg']}") from error


def _port(name: str, where: str) -> None:
    """Raises WorkflowRefused for a port that a step's row cannot name."""
    if storable_text(name) != name:
        raise WorkflowRefused(f"{where}: {name[:40]!r} is not a port; it must be text without NUL and lone surrogates")


def _compiled(expression: str, where: str) -> Any:
    try:
        return jmespath.compile(expression)
    except (ValueError, RecursionError) as error:  # JMESPathError is a ValueError
        raise WorkflowRefused(f"{where}: {expression[:80]!r} is not JMESPath: {error}") from error
