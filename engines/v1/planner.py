"""Which node of a workflow comes next, by counting the edges that are decided. Pure."""

from __future__ import annotations

from collections import defaultdict, deque
from heapq import heappop, heappush

from cutover.engines.api import Edge, JoinNode, Node, StartNode, Workflow
from cutover.engines.v1.rules import AGAIN, EXIT

__all__ = ["NodePlan"]


class NodePlan:
    """One run through a workflow's graph; `prefix` goes before its node ids to make step ids."""

    def __init__(self, workflow: Workflow, prefix: str) -> None:
        self.prefix = prefix
        self._nodes = {node.id: node for node in workflow.nodes}
        self._position = {node.id: number for number, node in enumerate(workflow.nodes)}
        self._order = list(workflow.nodes)
        self._edges: dict[str, list[Edge]] = defaultdict(list)
        self._undecided: dict[str, int] = dict.fromkeys(self._nodes, 0)
        for edge in workflow.edges:
            self._edges[edge.source].append(edge)
            if edge.target in self._nodes:
                self._undecided[edge.target] += 1
        self._sources: dict[str, list[str]] = defaultdict(list)
        self._settled: set[str] = set()
        self._last: set[str] = set()
        self._ready: list[int] = []
        self._open = 0

    def begin(self) -> list[Node]:
        """Makes the start node ready; returns the nodes that nothing leads to, which are skipped."""
        loose = [node.id for node in self._order if not self._undecided[node.id] and not isinstance(node, StartNode)]
        for node in self._order:
            if isinstance(node, StartNode):
                self._make_ready(node.id)
        return self._skip(deque(loose))

    def next(self) -> Node | None:
        """The ready node that is defined first; it counts as open until it leaves."""
        if not self._ready:
            return None
        self._open += 1
        return self._order[heappop(self._ready)]

    def leave(self, node_id: str, ports: tuple[str, ...]) -> list[Node]:
        """Ends an open node; returns the nodes that are skipped because of it."""
        self._open -= 1
        self._last.add(node_id)
        dead: deque[str] = deque()
        for edge in self._edges[node_id]:
            taken = edge.port in ports
            if taken:
                self._last.discard(node_id)
            self._decide(edge, dead, taken=taken)
        return self._skip(dead)

    def finished(self) -> bool:
        """Whether nothing is open or ready."""
        return not self._open and not self._ready

    def sources(self, node_id: str) -> list[str]:
        """The taken predecessors of a ready node, in definition order; one alone for a join of mode any."""
        found = self._sources[node_id]
        node = self._nodes.get(node_id)
        if isinstance(node, JoinNode) and node.mode == "any":
            return found[:1]
        return sorted(found, key=self._position.__getitem__)

    def last(self) -> list[str]:
        """The nodes that ended without an edge taken, in definition order."""
        return sorted(self._last, key=self._position.__getitem__)

    def again(self) -> list[str]:
        """The nodes that ask for another iteration, in definition order."""
        return self.sources(AGAIN)

    def exits(self) -> tuple[tuple[str, ...], list[str]]:
        """The ports by which the loop is left, and the nodes that do so, in definition order."""
        targets = [edge.target for node in self._order for edge in self._edges[node.id]]
        ports = dict.fromkeys(target[len(EXIT) :] for target in targets if self._is_exit(target))
        nodes = {source for port in ports for source in self._sources[EXIT + port]}
        return tuple(ports), sorted(nodes, key=self._position.__getitem__)

    def _is_exit(self, target: str) -> bool:
        return target not in self._nodes and target.startswith(EXIT) and bool(self._sources.get(target))

    def _make_ready(self, node_id: str) -> None:
        self._settled.add(node_id)
        heappush(self._ready, self._position[node_id])

    def _decide(self, edge: Edge, dead: deque[str], *, taken: bool) -> None:
        target = edge.target
        if taken and edge.source not in self._sources[target]:
            self._sources[target].append(edge.source)
        node = self._nodes.get(target)
        if node is None:
            return
        self._undecided[target] -= 1
        if target in self._settled:
            return
        if taken and isinstance(node, JoinNode) and node.mode == "any":
            self._make_ready(target)
        elif not self._undecided[target]:
            if self._sources[target]:
                self._make_ready(target)
            else:
                dead.append(target)

    def _skip(self, dead: deque[str]) -> list[Node]:
        skipped: list[Node] = []
        while dead:
            node_id = dead.popleft()
            if node_id in self._settled:
                continue
            self._settled.add(node_id)
            skipped.append(self._nodes[node_id])
            for edge in self._edges[node_id]:
                self._decide(edge, dead, taken=False)
        return skipped
