"""One level of a workflow as a plan sees it: ways out, what they lead to, and how to get somewhere. Pure."""

from __future__ import annotations

from cutover.engines.api import ActivityNode, Node, StartNode, Workflow

__all__ = ["FlowLevel"]


class FlowLevel:
    """One level of a workflow: the ways out of each node, and what each leads to."""

    def __init__(self, workflow: Workflow) -> None:
        self.nodes: dict[str, Node] = {node.id: node for node in workflow.nodes}
        self.start = next(node.id for node in workflow.nodes if isinstance(node, StartNode))
        self.targets: dict[tuple[str, str], list[str]] = {}
        self.sources: dict[str, list[tuple[str, str]]] = {}
        for edge in workflow.edges:
            self.targets.setdefault((edge.source, edge.port), []).append(edge.target)
            self.sources.setdefault(edge.target, []).append((edge.source, edge.port))
        self.ends = {edge.target for edge in workflow.edges if edge.target.startswith("$")}
        self.options = {node.id: self._options(node) for node in workflow.nodes}

    def _options(self, node: Node) -> tuple[str, ...]:
        found = dict.fromkeys(port for source, port in self.targets if source == node.id)
        if isinstance(node, ActivityNode):
            if "true" in found or "false" in found:
                found |= dict.fromkeys(("true", "false"))
            if node.on_error == "route":
                found |= dict.fromkeys(("out", "error"))
        return tuple(found) or ("out",)

    def toward(self, goal: tuple[str, str] | None) -> dict[str, str]:
        """The choices by which a node is reached and left by a port, that node's first."""
        forced: dict[str, str] = {}
        seen: set[str] = set()
        while goal is not None and goal[0] not in seen:
            forced.setdefault(*goal)
            seen.add(goal[0])
            goal = next(iter(self.sources.get(goal[0], ())), None)
        return forced

    def leading_to(self, ends: set[str]) -> set[str]:
        """The ends, and the nodes that lead to one of them whichever way out they take."""
        found = set(ends)
        more = found
        while more:
            more = {
                node_id
                for node_id, options in self.options.items()
                if all(found.intersection(self.targets.get((node_id, port), ())) for port in options)
            } - found
            found |= more
        return found
