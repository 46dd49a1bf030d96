"""Folds every cycle that has one entry into a vertex with a body, so that no graph has a cycle. Pure."""

from __future__ import annotations

from dataclasses import replace

from cutover.scenarios.importers.imported import ImportRefused
from cutover.scenarios.importers.n8n.flow import AGAIN, EXIT, START, Flow, FlowLink, Vertex
from cutover.scenarios.importers.n8n.nodes import clean
from cutover.scenarios.inputs.limits import N8N_LOOP_LEVELS

__all__ = ["cycles", "fold"]


def fold(flow: Flow, depth: int = 0) -> Flow:
    """The graph with a vertex `ENTRY loop` for each cycle; cycles inside cycles are folded in the bodies.

    Raises ImportRefused for a cycle that is entered at several nodes, and for cycles nested too deep.
    """
    if depth > N8N_LOOP_LEVELS.most:
        raise ImportRefused(f"cycles nest deeper than {N8N_LOOP_LEVELS}")
    for members in cycles(flow):
        if members & flow.vertices.keys():
            flow = _fold_one(flow, members, depth)
    return flow


def _fold_one(flow: Flow, members: set[str], depth: int) -> Flow:
    entering = [link for link in flow.links if link.target in members and link.source not in members]
    entry = _entry(entering)
    side, unsure = _side_branches(flow, members)
    members = members | side
    loop = f"{entry} loop"
    while loop in flow.vertices:
        loop += "'"
    inner = [FlowLink(source=START, port="out", target=entry)]
    outer: list[FlowLink] = []
    for link in flow.links:
        if link.source not in members:
            inside = link.target in members
            outer.append(replace(link, target=loop, joins=link.joins or link.target != entry) if inside else link)
        elif link.target == entry:
            inner.append(replace(link, target=AGAIN, joins=False))
        elif link.target in members:
            inner.append(link)
        else:
            port = clean(f"{link.source}.{link.port}")
            inner.append(replace(link, target=EXIT + port, joins=False))
            outer.append(replace(link, source=loop, port=port))
            if link in unsure:
                flow.notes.append(
                    f"{link.source!r} to {link.target!r}: leaves a cycle, so is followed in its last round only"
                )
    body = Flow(
        vertices={name: vertex for name, vertex in flow.vertices.items() if name in members},
        links=tuple(dict.fromkeys(inner)),
        depth_first=flow.depth_first,
        notes=flow.notes,
    )
    around = {name: vertex for name, vertex in flow.vertices.items() if name not in members}
    around[loop] = Vertex(node=flow.vertices[entry].node, body=fold(body, depth + 1))
    if any(link.joins for link in entering):
        flow.notes.append(f"cycle at {entry!r}: data that enters it at a merge is awaited before the cycle begins")
    return replace(flow, vertices=around, links=tuple(dict.fromkeys(outer)))


def _entry(entering: list[FlowLink]) -> str:
    """The one node at which a cycle is entered; a merge that also takes data from outside is not a second one."""
    targets = list(dict.fromkeys(link.target for link in entering if not link.joins))
    targets = targets or [link.target for link in entering][:1]
    if len(targets) != 1:
        shown = ", ".join(map(repr, targets[:5])) + (", ..." if len(targets) > 5 else "")
        raise ImportRefused(f"cycle entered at several nodes ({shown}); a loop has one entry")
    return targets[0]


def _side_branches(flow: Flow, members: set[str]) -> tuple[set[str], list[FlowLink]]:
    """The dead ends that hang off a cycle, which belong to its body, and the ways out that do not end the cycle."""
    leaving = flow.leaving()
    exits = [link for name in members for link in leaving.get(name, ()) if link.target not in members]
    final = [link for link in exits if _is_final(flow, members, link, leaving)]
    unsure = [link for link in exits if link not in final]
    after = _closure({link.target for link in final}, leaving)
    side = _closure({link.target for link in unsure}, leaving) - after - members
    side &= flow.vertices.keys()
    while True:
        away = {link.source for link in flow.links if link.source in side and link.target not in side}
        fed = {link.target for link in flow.links if link.target in side and link.source not in side | members}
        if not away | fed:
            return side, unsure
        side -= away | fed


def _is_final(flow: Flow, members: set[str], link: FlowLink, leaving: dict[str, list[FlowLink]]) -> bool:
    """Whether taking the link means that the cycle is over.

    So it is where its source goes round by another port, and every way round goes through that source.
    """
    siblings = leaving[link.source]
    if any(other.port == link.port and other.target in members for other in siblings):
        return False
    if not any(other.target in members for other in siblings):
        return False
    rest = members - {link.source}
    kept = tuple(other for other in flow.links if other.source in rest and other.target in rest)
    return not cycles(replace(flow, vertices={name: flow.vertices[name] for name in rest}, links=kept))


def _closure(names: set[str], leaving: dict[str, list[FlowLink]]) -> set[str]:
    seen, pending = set(names), list(names)
    while pending:
        for link in leaving.get(pending.pop(), ()):
            if link.target not in seen:
                seen.add(link.target)
                pending.append(link.target)
    return seen


def cycles(flow: Flow) -> list[set[str]]:
    """The strongly connected components that have a cycle (Kosaraju, without recursion), in a fixed order."""
    following: dict[str, list[str]] = {name: [] for name in flow.vertices}
    leading: dict[str, list[str]] = {name: [] for name in flow.vertices}
    for link in flow.links:
        if link.source in following and link.target in following:
            following[link.source].append(link.target)
            leading[link.target].append(link.source)
    seen: set[str] = set()
    found: list[set[str]] = []
    for root in reversed(_finished(following)):
        component, pending = set[str](), [root]
        while pending:
            name = pending.pop()
            if name not in seen:
                seen.add(name)
                component.add(name)
                pending.extend(leading[name])
        if len(component) > 1 or root in following[root]:
            found.append(component)
    return [component for component in found if component]


def _finished(following: dict[str, list[str]]) -> list[str]:
    """The vertices in the order in which a depth-first search leaves them."""
    seen: set[str] = set()
    order: list[str] = []
    for root, targets in following.items():
        trail = [] if root in seen else [(root, iter(targets))]
        seen.add(root)
        while trail:
            name, branches = trail[-1]
            target = next(branches, None)
            if target is None:
                order.append(name)
                trail.pop()
            elif target not in seen:
                seen.add(target)
                trail.append((target, iter(following[target])))
    return order
