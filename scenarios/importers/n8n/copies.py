"""Unfolds a graph in which n8n would run a node once for each input that gets data: a copy for each. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from cutover.scenarios.importers.imported import ImportRefused
from cutover.scenarios.importers.n8n.flow import START, Flow, FlowLink, Vertex

__all__ = ["MAX_COPIES", "unfold"]

MAX_COPIES = 500
"""Copies that unfolding may add to one level of a workflow."""


@dataclass(frozen=True, slots=True)
class _Copy:
    """One copy of a vertex; `runs` says which copies of nodes with several inputs it comes from."""

    name: str
    runs: tuple[str, ...] = ()


@dataclass(slots=True)
class _Unfolding:
    flow: Flow
    copies: dict[str, list[_Copy]] = field(default_factory=dict)
    vertices: dict[str, Vertex] = field(default_factory=dict)
    links: list[FlowLink] = field(default_factory=list)
    added: int = 0

    def add(self, name: str, runs: tuple[str, ...], arrivals: list[tuple[_Copy, FlowLink]], *, forks: bool) -> None:
        """One copy of a vertex, with the links by which it is reached."""
        key, number = name, 1
        while key in self.vertices:
            number += 1
            key = f"{name}~{number}"
        self.vertices[key] = self.flow.vertices[name]
        self.added += number > 1
        if self.added > MAX_COPIES:
            raise ImportRefused(
                f"more than {MAX_COPIES} copies of nodes with several inputs, each of which n8n runs once an input"
                f" (at {name!r}); put a Merge before them"
            )
        self.copies.setdefault(name, []).append(_Copy(key, (*runs, key) if forks else runs))
        self.links.extend(replace(link, source=copy.name, target=key) for copy, link in arrivals)


def unfold(flow: Flow) -> Flow:
    """The graph, without cycles, in which only merges have several incoming links; copies are called `NAME~2`.

    A merge below several copies of one node is copied with them where all of its inputs come from each copy, and
    else waits for all of them. Raises ImportRefused beyond MAX_COPIES.
    """
    done = _Unfolding(flow)
    done.copies[START] = [_Copy(START)]
    arriving: dict[str, list[FlowLink]] = {}
    for link in flow.links:
        arriving.setdefault(link.target, []).append(link)
    for name in _topological(flow, arriving):
        arrivals = [(copy, link) for link in arriving.get(name, ()) for copy in done.copies[link.source]]
        once = [arrival for arrival in arrivals if not arrival[1].joins]
        joined = [arrival for arrival in arrivals if arrival[1].joins]
        if once:
            forks = len({link for _, link in once}) > 1
            for copy, link in once:
                done.add(name, copy.runs, [(copy, link), *joined], forks=forks)
            continue
        for runs, group in _groups(joined, arriving.get(name, [])):
            done.add(name, runs, group, forks=False)
    ends = [link for target, links in arriving.items() if target not in flow.vertices for link in links]
    done.links.extend(replace(link, source=copy.name) for link in ends for copy in done.copies[link.source])
    return replace(flow, vertices=done.vertices, links=tuple(dict.fromkeys(done.links)))


def _groups(
    arrivals: list[tuple[_Copy, FlowLink]], links: list[FlowLink]
) -> list[tuple[tuple[str, ...], list[tuple[_Copy, FlowLink]]]]:
    """The arrivals of a merge: by copy where each brings every input, else all together."""
    by_runs: dict[tuple[str, ...], list[tuple[_Copy, FlowLink]]] = {}
    for copy, link in arrivals:
        by_runs.setdefault(copy.runs, []).append((copy, link))
    if all({link for _, link in group} == set(links) for group in by_runs.values()):
        return list(by_runs.items())
    common: list[str] = []
    for level in zip(*by_runs, strict=False):
        if len(set(level)) > 1:
            break
        common.append(level[0])
    return [(tuple(common), arrivals)]


def _topological(flow: Flow, arriving: dict[str, list[FlowLink]]) -> list[str]:
    """The vertices, each after all that lead to it."""
    waiting = {name: len(arriving.get(name, ())) for name in flow.vertices}
    leaving = flow.leaving()
    order: list[str] = []
    ready = [START]
    while ready:
        for link in leaving.get(ready.pop(0), ()):
            if link.target in waiting:
                waiting[link.target] -= 1
                if waiting[link.target] == 0:
                    ready.append(link.target)
                    order.append(link.target)
    return order
