"""One level of a workflow as a graph: cycles, reach, loops that cannot end, what follows what. Pure.

Nothing here recurses, so a chain of thousands of nodes is as safe as a short one. Edges must resolve.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cutover.engines.api import Edge, JoinNode, StartNode, WaitNode, Workflow

__all__ = ["apart", "cycle_in", "endless_repeats", "followers", "forks", "unreachable_in"]


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


def followers(workflow: Workflow) -> dict[str, set[str]]:
    """Returns every node that can only come after each node: those that edges lead to from there."""
    direct: dict[str, set[str]] = {node.id: set() for node in workflow.nodes}
    for edge in workflow.edges:
        if edge.target in direct:
            direct[edge.source].add(edge.target)
    found: dict[str, set[str]] = {}

    def behind(node_id: str) -> set[str]:
        pending, seen = list(direct[node_id]), set[str]()
        while pending:
            if (each := pending.pop()) not in seen:
                seen.add(each)
                pending += found[each] if each in found else direct[each]
        return seen

    for node in reversed(workflow.nodes):
        found[node.id] = behind(node.id)
    return found


def apart(nodes: Sequence[str], workflow: Workflow) -> int:
    """Returns how many of the nodes, taken in order, neither follow nor lead to one another."""
    behind = followers(workflow) if len(nodes) > 1 else {}
    found: list[str] = []
    for each in nodes:
        if all(each not in behind[other] and other not in behind[each] for other in found):
            found.append(each)
    return len(found)


def forks(workflow: Workflow) -> list[list[str]]:
    """Returns the nodes that one node leads to by one port, where they are several."""
    ports: dict[tuple[str, str], list[str]] = {}
    for edge in workflow.edges:
        ports.setdefault((edge.source, edge.port), []).append(edge.target)
    return [targets for targets in ports.values() if len(targets) > 1]


def _targets(flow: Workflow) -> dict[str, list[str]]:
    targets: dict[str, list[str]] = {node.id: [] for node in flow.nodes}
    for edge in flow.edges:
        if not edge.target.startswith("$"):
            targets[edge.source].append(edge.target)
    return targets
