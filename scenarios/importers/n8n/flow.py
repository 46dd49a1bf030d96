"""The graph between an n8n file and a workflow: vertices, links, and what one trigger reaches. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from cutover.scenarios.importers.n8n.nodes import is_merge, is_trigger, port_name
from cutover.scenarios.importers.n8n.source import SourceNode, WorkflowFile

__all__ = ["AGAIN", "EXIT", "START", "Flow", "FlowLink", "Vertex", "flow_from", "reachable", "starts"]

START = "$start"
AGAIN = "$again"
EXIT = "$exit."


@dataclass(frozen=True, slots=True, kw_only=True)
class Vertex:
    """A node of the graph: one n8n node, or a folded cycle with `body`."""

    node: SourceNode
    body: Flow | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowLink:
    """Leads from a vertex (or START) by a port to a vertex, AGAIN or EXIT + port.

    Where `joins`, the target waits for this link beside its others; where not, the target runs once for it.
    """

    source: str
    port: str
    target: str
    joins: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """A graph that begins at START. `absorbed` is the node that START itself stands for."""

    vertices: dict[str, Vertex]
    links: tuple[FlowLink, ...]
    depth_first: bool
    absorbed: SourceNode | None = None
    notes: list[str] = field(default_factory=list)

    def leaving(self) -> dict[str, list[FlowLink]]:
        """The links by source."""
        found: dict[str, list[FlowLink]] = {}
        for link in self.links:
            found.setdefault(link.source, []).append(link)
        return found


def starts(source: WorkflowFile) -> tuple[list[str], list[str]]:
    """The nodes at which executions start, and what is said of those at which none does.

    Triggers start, but for disabled ones and ones that lead nowhere where another trigger is left; in a file without
    a trigger every node starts that has outgoing connections and no incoming one, or is alone.
    """
    leads = {one.source for one in source.connections}
    fed = {one.target for one in source.connections}
    sources = [name for name in source.nodes if name not in fed and name not in source.attached]
    triggers = [name for name in source.nodes if is_trigger(source.nodes[name]) and name not in source.attached]
    rounds = (
        [name for name in triggers if name in leads and not source.nodes[name].disabled],
        [name for name in triggers if name in leads],
        [name for name in sources if name in leads],
        triggers,
        sources,
    )
    chosen = next((found for found in rounds if found), [])
    why = {True: "disabled", False: "leads nowhere"}
    notes = [f"trigger {n!r}: {why[source.nodes[n].disabled]}" for n in triggers if n not in chosen]
    return chosen, notes


def reachable(source: WorkflowFile, start: str) -> list[str]:
    """The nodes to which data can flow from one start, in file order."""
    following: dict[str, list[str]] = {}
    for one in source.connections:
        following.setdefault(one.source, []).append(one.target)
    seen, pending = {start}, [start]
    while pending:
        for name in following.get(pending.pop(), ()):
            if name not in seen:
                seen.add(name)
                pending.append(name)
    return [name for name in source.nodes if name in seen]


def flow_from(source: WorkflowFile, start: str) -> Flow:
    """What one start reaches; the start itself becomes START where it only passes its data on by its first output."""
    names = reachable(source, start)
    inside = [one for one in source.connections if one.source in names]
    outputs: dict[str, int] = {}
    for one in inside:
        outputs[one.source] = max(outputs.get(one.source, 0), one.output + 1)
    absorbed = is_trigger(source.nodes[start]) and outputs.get(start, 1) == 1
    absorbed = absorbed and all(one.target != start for one in inside)
    vertices = {name: Vertex(node=source.nodes[name]) for name in names if not (absorbed and name == start)}
    links = [] if absorbed else [FlowLink(source=START, port="out", target=start)]
    notes: list[str] = []
    for one in inside:
        node = source.nodes[one.source]
        plain = absorbed and one.source == start
        port = "out" if plain else port_name(node, one.output, outputs[one.source])
        if port is None:
            notes.append(f"{one.source!r} output {one.output}: never taken, the node only passes its input on")
            continue
        joins = is_merge(source.nodes[one.target])
        links.append(FlowLink(source=START if plain else one.source, port=port, target=one.target, joins=joins))
    notes.extend(_crowded(source, names))
    fed = {START} | {link.target for link in links}
    while lost := [name for name in vertices if name not in fed]:
        notes.extend(f"{name!r}: no output that can be taken leads to it" for name in lost)
        vertices = {name: vertex for name, vertex in vertices.items() if name in fed}
        links = [link for link in links if link.source not in lost]
        fed = {START} | {link.target for link in links}
    return Flow(
        vertices=vertices,
        links=tuple(dict.fromkeys(links)),
        depth_first=source.depth_first,
        absorbed=source.nodes[start] if absorbed else None,
        notes=notes,
    )


def _crowded(source: WorkflowFile, names: list[str]) -> list[str]:
    """The merges with several connections to one input, which n8n may run again for each."""
    counts = Counter((one.target, one.input) for one in source.connections if one.source in names)
    return [
        f"{name!r} input {index}: {count} connections; n8n may run the merge again for each, here it runs once"
        for (name, index), count in counts.items()
        if count > 1 and is_merge(source.nodes[name])
    ]
