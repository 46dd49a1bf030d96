"""One level of a workflow as edges by node, and which nodes its decided edges make ready or skip. Pure; the kit's own.

Worked out apart from V1, V2 and the reference model, so that no mistake is made twice.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable

from cutover.engines.api import Edge, JoinNode, JsonValue, Node, StartNode, Workflow

__all__ = ["AGAIN", "EXIT", "WalkLevel", "WalkShape"]

AGAIN, EXIT = "$again", "$exit."


class WalkShape:
    """What is the same however often a level runs: nodes by id and by place, and the edges that leave each."""

    __slots__ = ("before", "leaving", "nodes", "place", "workflow")

    def __init__(self, workflow: Workflow) -> None:
        self.workflow = workflow
        self.nodes: dict[str, Node] = {node.id: node for node in workflow.nodes}
        self.place = {node.id: place for place, node in enumerate(workflow.nodes)}
        self.leaving: dict[str, list[Edge]] = {node.id: [] for node in workflow.nodes}
        self.before = dict.fromkeys(self.nodes, 0)
        for edge in workflow.edges:
            self.leaving[edge.source].append(edge)
            if edge.target in self.before:
                self.before[edge.target] += 1


class WalkLevel:
    """One run of a level: of the whole workflow, or of a loop's body.

    `prefix` stands before the ids of its steps; `open` counts the nodes that have neither ended nor been skipped.
    """

    __slots__ = ("_came", "_decided", "_left", "_outputs", "_settled", "open", "prefix", "shape", "value")

    def __init__(self, shape: WalkShape, value: JsonValue, prefix: str = "") -> None:
        self.shape, self.value, self.prefix = shape, value, prefix
        self.open = len(shape.nodes)
        self._decided = dict.fromkeys(shape.nodes, 0)
        self._settled: set[str] = set()
        self._came: dict[str, list[str]] = {}
        self._left: set[str] = set()
        self._outputs: dict[str, JsonValue] = {}

    def begin(self) -> tuple[list[Node], list[Node]]:
        """Returns the start node as ready, and as skipped what no edge leads to."""
        ready: list[Node] = []
        skipped: list[Node] = []
        alone = [node for node in self.shape.nodes.values() if not self.shape.before[node.id]]
        for node in alone:
            self._settled.add(node.id)
            (ready if isinstance(node, StartNode) else skipped).append(node)
        self._pass_over(skipped, ready)
        return ready, skipped

    def end(self, node_id: str, output: JsonValue, ports: Collection[str]) -> tuple[list[Node], list[Node]]:
        """Ends a node; returns the nodes that are ready because of it, and those that are skipped."""
        self.open -= 1
        self._outputs[node_id] = output
        ready: list[Node] = []
        skipped: list[Node] = []
        for edge in self.shape.leaving[node_id]:
            taken = edge.port in ports
            if taken:
                self._left.add(node_id)
            self._decide(edge, ready, skipped, taken=taken)
        self._pass_over(skipped, ready)
        return ready, skipped

    def given(self, node: Node) -> JsonValue:
        """Returns a ready node's input: the level's own for the start node, else what its taken edges carry."""
        if isinstance(node, StartNode):
            return self.value
        came = self._came[node.id]
        return self._outputs[came[0]] if _is_any(node) else self._carried(came)

    def carried(self, *targets: str) -> JsonValue:
        """Returns what the taken edges to `$again` or to ways out carry."""
        return self._carried([source for target in targets for source in self._came.get(target, ())])

    def output(self) -> JsonValue:
        """Returns the output of the node that no taken edge leaves; of several, an object by node id.

        There is always one: of the nodes that have ended, the last in the order of the edges leads to none that has.
        """
        return self._carried([node_id for node_id in self._outputs if node_id not in self._left])

    def again(self) -> bool:
        """Whether an edge to `$again` is taken."""
        return AGAIN in self._came

    def exits(self) -> list[str]:
        """Returns the taken ways out (`$exit.PORT`), each once, in the order of the edges."""
        ways = (edge.target for edge in self.shape.workflow.edges if edge.target.startswith(EXIT))
        return [way for way in dict.fromkeys(ways) if way in self._came]

    def _carried(self, sources: Iterable[str]) -> JsonValue:
        found = sorted(set(sources), key=self.shape.place.__getitem__)
        if len(found) == 1:
            return self._outputs[found[0]]
        return {source: self._outputs[source] for source in found}

    def _decide(self, edge: Edge, ready: list[Node], skipped: list[Node], *, taken: bool) -> None:
        target = edge.target
        if taken:
            self._came.setdefault(target, []).append(edge.source)
        node = self.shape.nodes.get(target)
        if node is None:
            return
        self._decided[target] += 1
        whole = self._decided[target] == self.shape.before[target]
        if target in self._settled or not (whole or (taken and _is_any(node))):
            return
        self._settled.add(target)
        (ready if target in self._came else skipped).append(node)

    def _pass_over(self, skipped: list[Node], ready: list[Node]) -> None:
        """Decides the edges of skipped nodes, and of those that are skipped because of them."""
        waiting = deque(skipped)
        skipped.clear()
        while waiting:
            node = waiting.popleft()
            self.open -= 1
            skipped.append(node)
            further: list[Node] = []
            for edge in self.shape.leaving[node.id]:
                self._decide(edge, ready, further, taken=False)
            waiting.extend(further)


def _is_any(node: Node) -> bool:
    return isinstance(node, JoinNode) and node.mode == "any"
