"""Workflows written short, for tests of engines."""

from __future__ import annotations

from cutover.engines.api import Edge, Node, StartNode, Workflow

START = StartNode(id="start")


def flow(*nodes: Node, edges: str = "", name: str = "w") -> Workflow:
    """A workflow with these nodes behind `start`; edges are written `a>b`, or `a.port>b`."""
    made = []
    for edge in edges.split():
        source, target = edge.split(">")
        node, _, port = source.partition(".")
        made.append(Edge(source=node, target=target, port=port or "out"))
    return Workflow(id=name, nodes=(START, *nodes), edges=tuple(made))
