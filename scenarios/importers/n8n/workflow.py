"""Builds the workflow of one start: folds, unfolds, names the steps and puts the nodes in n8n's order. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from cutover.engines.api import Edge, LoopNode, Node, StartNode, Workflow
from cutover.scenarios.importers.imported import ImportRefused
from cutover.scenarios.importers.n8n.copies import MAX_COPIES, unfold
from cutover.scenarios.importers.n8n.flow import START, Flow, flow_from
from cutover.scenarios.importers.n8n.loops import fold
from cutover.scenarios.importers.n8n.nodes import clean, make_node
from cutover.scenarios.importers.n8n.source import SourceNode, WorkflowFile

__all__ = ["MAX_ROUNDS", "Built", "build", "plain_path"]

MAX_ROUNDS = 100
"""Rounds of a loop of which no execution was recorded; its plan takes far fewer."""
_ITERATION = re.compile(r"\[\d+\](?=/)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A workflow and, by path without iterations (`LOOP/NODE`), the n8n node that each of its nodes stands for.

    Loops and the starts of their bodies stand for none.
    """

    workflow: Workflow
    origins: Mapping[str, SourceNode]
    notes: tuple[str, ...]


@dataclass(slots=True)
class _Building:
    origins: dict[str, SourceNode] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    copies: int = 0


def plain_path(step_id: str) -> str:
    """A step id without its iterations: `LOOP[2]/NODE` is `LOOP/NODE`."""
    return _ITERATION.sub("", step_id)


def build(source: WorkflowFile, start: str, workflow_id: str) -> Built:
    """The workflow of one start. Raises ImportRefused where it cannot be said without cycles or within the limits."""
    flow = flow_from(source, start)
    state = _Building(notes=flow.notes)
    workflow = _workflow(fold(flow), workflow_id, "", state)
    return Built(workflow=workflow, origins=state.origins, notes=tuple(dict.fromkeys(state.notes)))


def _workflow(folded: Flow, workflow_id: str, prefix: str, state: _Building) -> Workflow:
    flow = unfold(folded)
    copied = len(flow.vertices) - len(folded.vertices)
    state.copies += copied
    if state.copies > MAX_COPIES:
        raise ImportRefused(f"more than {MAX_COPIES} copies of nodes with several inputs, in all loops together")
    if copied:
        state.notes.append(f"{copied} copies of nodes with several inputs, which n8n runs once an input")
    order = _order(flow)
    ids = _ids(flow, order)
    nodes: list[Node] = [StartNode(id=ids[START])]
    if flow.absorbed:
        state.origins[prefix + ids[START]] = flow.absorbed
    for key in order:
        vertex, path = flow.vertices[key], prefix + ids[key]
        if vertex.body is None:
            state.origins[path] = vertex.node
            nodes.append(make_node(ids[key], vertex.node))
        else:
            body = _workflow(vertex.body, f"{workflow_id}/{ids[key]}", f"{path}/", state)
            nodes.append(LoopNode(id=ids[key], body=body, repeat=True, max_iterations=MAX_ROUNDS))
    edges = [Edge(source=ids[one.source], target=ids.get(one.target, one.target), port=one.port) for one in flow.links]
    return Workflow(id=workflow_id, nodes=tuple(nodes), edges=tuple(dict.fromkeys(edges)))


def _ids(flow: Flow, order: list[str]) -> dict[str, str]:
    """A readable id for each vertex: its name without the characters that mean something in a step id."""
    ids: dict[str, str] = {}
    taken: set[str] = set()
    first = flow.absorbed.name if flow.absorbed else "start"
    for key, name in [(START, first), *((key, key) for key in order)]:
        plain = clean(name)
        unique, number = plain, 1
        while unique in taken:
            number += 1
            unique = f"{plain}~{number}"
        taken.add(unique)
        ids[key] = unique
    return ids


def _order(flow: Flow) -> list[str]:
    """The order in which n8n would run the vertices if every link were taken.

    Its execution order v1 runs what a node leads to before anything older, from the top of the canvas to the bottom
    and from left to right; v0 runs first what became ready first.
    """
    waiting: dict[str, int] = {}
    for link in flow.links:
        waiting[link.target] = waiting.get(link.target, 0) + 1
    leaving = flow.leaving()
    queue, order = [START], list[str]()
    while queue:
        name = queue.pop(0)
        order.append(name)
        ready: list[str] = []
        for link in leaving.get(name, ()):
            waiting[link.target] -= 1
            if waiting[link.target] == 0 and link.target in flow.vertices:
                ready.append(link.target)
        if flow.depth_first:
            ready.sort(key=lambda key: flow.vertices[key].node.position[::-1])
            queue[:0] = ready
        else:
            queue.extend(ready)
    return order[1:]
