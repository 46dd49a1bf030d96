"""What the rules ask of one level of a workflow as a graph: cycles, reach, loops that cannot end. Pure.

Nothing here recurses, so a chain of thousands of nodes is as safe as a short one. Edges must resolve.
"""

from __future__ import annotations

from collections.abc import Iterator

from cutover.engines.api import Edge, JoinNode, StartNode, WaitNode, Workflow

__all__ = ["cycle_in", "endless_repeats", "unreachable_in"]


def cycle_in(flow: Workflow) -> tuple[str, ...]:
    """One cycle as node ids, the first again at the end; empty where there is none."""
    targets = _targets(flow)
    done: set[str] = set()
    for node in flow.nodes:
        trail = [node.id]
        on_trail = {node.id}
        branches = [iter(targets[node.id])]
        while branches:
            following = next(branches[-1], None)
            if following is None:
                branches.pop()
                on_trail.discard(trail[-1])
                done.add(trail.pop())
            elif following in on_trail:
                return (*trail[trail.index(following) :], following)
            elif following not in done:
                trail.append(following)
                on_trail.add(following)
                branches.append(iter(targets[following]))
    return ()


def unreachable_in(flow: Workflow) -> Iterator[tuple[int, str]]:
    """The nodes, with their place, to which no edges lead from the start node."""
    targets = _targets(flow)
    pending = [node.id for node in flow.nodes if isinstance(node, StartNode)]
    reached = set(pending)
    while pending:
        fresh = [target for target in targets[pending.pop()] if target not in reached]
        reached.update(fresh)
        pending.extend(fresh)
    yield from ((i, node.id) for i, node in enumerate(flow.nodes) if node.id not in reached)


def endless_repeats(flow: Workflow) -> Iterator[tuple[int, Edge]]:
    """The edges to `$again`, with their place, that no iteration can leave untaken.

    Only nodes that have a single way out are followed: a start, a join, and a wait for one thing.
    """
    single = {
        node.id
        for node in flow.nodes
        if isinstance(node, StartNode | JoinNode)
        or (isinstance(node, WaitNode) and (node.signal is None or node.timeout_ms is None))
    }
    certain = {node.id for node in flow.nodes if isinstance(node, StartNode)}
    targets = _targets(flow)
    pending = list(certain)
    while pending:
        fresh = [target for target in targets[pending.pop()] if target in single and target not in certain]
        certain.update(fresh)
        pending.extend(fresh)
    yield from ((i, edge) for i, edge in enumerate(flow.edges) if edge.target == "$again" and edge.source in certain)


def _targets(flow: Workflow) -> dict[str, list[str]]:
    targets: dict[str, list[str]] = {node.id: [] for node in flow.nodes}
    for edge in flow.edges:
        if not edge.target.startswith("$"):
            targets[edge.source].append(edge.target)
    return targets
