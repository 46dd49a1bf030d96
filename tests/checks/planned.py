"""The scenario of a history: `flow`, `node`, `world`, `signal` and `scenario` lines."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

from checks.lines import HistoryError, HistoryLine, decoded, record, taken
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
from cutover.harness.store.lines import read_as
from cutover.scenarios.model import PlannedSignal, Response, Scenario

__all__ = ["PLANNED", "scenario_of"]

PLANNED: Final = ("flow", "node", "world", "signal", "scenario")
"""The words of the lines that make a scenario."""
_KINDS: Final[Mapping[str, type[Any]]] = {
    "start": StartNode,
    "activity": ActivityNode,
    "condition": ConditionNode,
    "join": JoinNode,
    "wait": WaitNode,
    "loop": LoopNode,
}


def scenario_of(lines: Sequence[HistoryLine]) -> Scenario:
    """Returns what the lines plan; without any it is `start > ship`.

    A node that no line of its own describes is `start`, or an activity of its id. What the world is not told to answer,
    it answers with null.
    """
    flows, others = taken(lines, {"flow"})
    edges = [edge for line in flows for edge in _edges(line)] or [Edge(source="start", target="ship")]
    described = {line.name: line for line in others if line.word == "node"}
    names = dict.fromkeys(name for edge in edges for name in (edge.source, edge.target))
    if described.keys() - names.keys():
        raise HistoryError(f"no flow has the node {', '.join(described.keys() - names.keys())}")
    nodes = tuple(_node(name, described.get(name)) for name in names if not name.startswith("$"))
    world: dict[str, list[Response]] = defaultdict(list)
    for line in others:
        if line.word == "world":
            world[line.name].append(record(Response, line, {}))
    for node in nodes:
        if isinstance(node, ActivityNode) and node.id not in world:
            world[node.id].append(Response())
    heads, _ = taken(others, {"scenario"})
    head = heads[0] if heads else HistoryLine("scenario")
    made = {
        "id": "flow",
        "workflow": Workflow(id="w", nodes=nodes, edges=tuple(edges)),
        "world": {name: tuple(responses) for name, responses in world.items()},
        "signals": tuple(
            record(PlannedSignal, line, {"id": line.name, "name": line.name})
            for line in others
            if line.word == "signal"
        ),
    }
    return record(Scenario, head, made)


def _edges(line: HistoryLine) -> Sequence[Edge]:
    """Returns the edges of `flow a > b.port > c`; the port is one of the node before the arrow."""
    parts = [part.strip() for part in line.text.removeprefix("flow").split(">")]
    found = []
    for before, after in pairwise(parts):
        source, _, port = before.partition(".")
        found.append(Edge(source=source, target=after.partition(".")[0], port=port or "out"))
    if not found:
        raise HistoryError(f"{line.text!r}: write flow start > ship > bill")
    return found


def _node(name: str, line: HistoryLine | None) -> Node:
    fields = {} if line is None else dict(line.fields)
    usual = "start" if name == "start" else "activity"
    kind = _KINDS.get(fields.pop("kind", usual))
    if kind is None:
        raise HistoryError(f"node {name}: its kind is none of {', '.join(_KINDS)}")
    row: dict[str, object] = {"id": name}
    if kind is ActivityNode:
        row["activity"] = name
    if line is not None:
        row |= {each: decoded(kind, each, value, line) for each, value in fields.items()}
    node: Node = read_as(kind, row)
    return node
