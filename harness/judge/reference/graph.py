"""One level of a workflow while it runs, for the reference model: the edges taken, the nodes ready. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from cutover.engines.api import Edge, JoinNode, JsonValue, Node, StartNode, Workflow

__all__ = ["LevelGraph", "LevelShape", "PendingWaits"]


class PendingWaits(NamedTuple):
    """What a step waits for: all of the first, and at least one of the second where there are any (step ids)."""

    all_of: frozenset[str] = frozenset()
    any_of: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class LevelShape:
    """What stays the same however often a level runs: its nodes, and the edges that lead into and out of each."""

    workflow: Workflow
    nodes: dict[str, Node]
    into: dict[str, list[Edge]]
    out: dict[str, list[Edge]]
    starts: frozenset[str]

    @classmethod
    def of(cls, workflow: Workflow) -> LevelShape:
        """Returns the shape of a workflow; a target that is not a node (`$again`) has edges into it all the same."""
        into: dict[str, list[Edge]] = {node.id: [] for node in workflow.nodes}
        out: dict[str, list[Edge]] = {node.id: [] for node in workflow.nodes}
        for edge in workflow.edges:
            into.setdefault(edge.target, []).append(edge)
            out[edge.source].append(edge)
        starts = frozenset(node.id for node in workflow.nodes if isinstance(node, StartNode))
        return cls(workflow, {node.id: node for node in workflow.nodes}, into, out, starts)


class LevelGraph:
    """Decides edges as nodes end: design section 3, first paragraph, to the letter.

    `ready` are the nodes that may start now; `output_of` the outputs of those that have ended.
    """

    def __init__(self, shape: LevelShape, value: JsonValue) -> None:
        self.workflow = shape.workflow
        self.value = value
        self.nodes = shape.nodes
        self._into = shape.into
        self._out = shape.out
        self.output_of: dict[str, JsonValue] = {}
        self._ports: dict[str, tuple[str, ...]] = {}
        self._reached: set[str] = set()
        self._skipped: set[str] = set()
        self._undecided = {target: len(edges) for target, edges in shape.into.items()}
        self._first: dict[str, Edge] = {}
        self._started: set[str] = set()
        self.ready: set[str] = set(shape.starts)

    def start(self, node_id: str) -> JsonValue:
        """Starts a ready node; returns its input."""
        self.ready.remove(node_id)
        self._started.add(node_id)
        if isinstance(self.nodes[node_id], StartNode):
            return self.value
        if node_id in self._first:
            return self.output_of[self._first[node_id].source]
        return self.carried(self.arrived(node_id))

    def end(self, node_id: str, output: JsonValue, ports: tuple[str, ...]) -> list[str]:
        """Decides the edges of a node that ended; returns the nodes that are skipped because of it."""
        self.output_of[node_id] = output
        self._ports[node_id] = ports
        skipped: list[str] = []
        decided = [(edge, edge.port in ports) for edge in self._out[node_id]]
        for edge, taken in decided:
            if self._decide(edge, taken=taken):
                skipped.append(edge.target)
                decided += [(after, False) for after in self._out[edge.target]]
        return skipped

    def _decide(self, edge: Edge, *, taken: bool) -> bool:
        """Whether the edge's target is skipped, now that this edge is decided."""
        target = edge.target
        self._undecided[target] -= 1
        if taken:
            self._reached.add(target)
        node = self.nodes.get(target)
        if node is None or target in self._started:
            return False
        if isinstance(node, JoinNode) and node.mode == "any":
            if taken and target not in self._first:
                self._first[target] = edge
                self.ready.add(target)
            elif self._undecided[target] == 0 and target not in self._first:
                self._skipped.add(target)
                return True
            return False
        if self._undecided[target]:
            return False
        if target in self._reached:
            self.ready.add(target)
            return False
        self._skipped.add(target)
        return True

    def took(self, edge: Edge) -> bool:
        """Whether the edge is taken: its source has ended and left by its port."""
        return edge.port in self._ports.get(edge.source, ())

    def arrived(self, target: str) -> list[Edge]:
        """Returns the taken edges to a node, to `$again` or to a `$exit.PORT`."""
        return [edge for edge in self._into.get(target, ()) if self.took(edge)]

    def carried(self, edges: Iterable[Edge]) -> JsonValue:
        """Returns what taken edges bring: their source's output, or an object by node id for several sources."""
        sources = list(dict.fromkeys(edge.source for edge in edges))
        if len(sources) == 1:
            return self.output_of[sources[0]]
        return {source: self.output_of[source] for source in sources}

    def output(self) -> JsonValue:
        """Returns the output of the last taken node: the one with no taken edge behind it."""
        leaving = {edge.source for edge in self.workflow.edges if self.took(edge)}
        last = [node.id for node in self.workflow.nodes if node.id in self.output_of and node.id not in leaving]
        if len(last) == 1:
            return self.output_of[last[0]]
        return {node_id: self.output_of[node_id] for node_id in last}

    def waits(self, node_id: str, prefix: str, outside: PendingWaits) -> PendingWaits:
        """Returns what a step waits for: its sources, or what those waited for where they were skipped."""
        node = self.nodes[node_id]
        if isinstance(node, StartNode):
            return outside
        sources = {edge.source for edge in self._into[node_id]}
        if isinstance(node, JoinNode) and node.mode == "any":
            return PendingWaits(any_of=frozenset(prefix + source for source in sources))
        found: set[str] = set()
        seen = set(sources)
        pending = list(sources)
        while pending:
            source = pending.pop()
            if source not in self._skipped:
                found.add(prefix + source)
                continue
            behind = {edge.source for edge in self._into[source]} - seen
            seen |= behind
            pending += behind
        return PendingWaits(all_of=frozenset(found))
