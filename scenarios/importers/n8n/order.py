"""Says where the order that n8n recorded is none that an engine can take. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cutover.engines.api import LoopNode, WaitNode, Workflow
from cutover.scenarios.importers.n8n.workflow import plain_path

__all__ = ["unlike_in_order"]


def unlike_in_order(workflow: Workflow, orders: Mapping[str, int]) -> Iterator[str]:
    """One line for each node at which an engine must leave the recorded order; `orders` is by step id, from 0.

    An engine runs other branches while one waits, n8n may not; n8n may interleave a cycle with other branches and
    run one round in another order than the next, an engine never does.
    """
    firsts: dict[str, int] = {}
    for step_id, order in orders.items():
        firsts.setdefault(plain_path(step_id), order)
    pending: list[tuple[str, Workflow]] = [("", workflow)]
    for prefix, level in pending:
        pending.extend((f"{prefix}{node.id}/", node.body) for node in level.nodes if isinstance(node, LoopNode))
        yield from _overtaken(level, prefix, firsts)
    yield from _interleaved(orders)
    yield from _reordered(orders)


def _overtaken(level: Workflow, prefix: str, firsts: Mapping[str, int]) -> Iterator[str]:
    """The nodes that n8n ran after what follows a wait, though they need not wait for it."""
    for wait in level.nodes:
        if not isinstance(wait, WaitNode) or prefix + wait.id not in firsts:
            continue
        after = _after(level, wait.id)
        resumed = [firsts[prefix + name] for name in after if prefix + name in firsts]
        for node in level.nodes:
            order = firsts.get(prefix + node.id)
            if order is not None and node.id not in after and resumed and min(resumed) < order:
                yield f"{prefix + node.id!r} runs while {wait.id!r} waits; n8n ran it later"


def _after(level: Workflow, node_id: str) -> set[str]:
    found, pending = set[str](), [node_id]
    while pending:
        source = pending.pop()
        fresh = {edge.target for edge in level.edges if edge.source == source} - found
        found |= fresh
        pending.extend(fresh)
    return found


def _interleaved(orders: Mapping[str, int]) -> Iterator[str]:
    """The loops in the middle of which n8n ran something else."""
    inside: dict[str, list[int]] = {}
    for step_id, order in orders.items():
        parts = step_id.split("/")
        for depth in range(1, len(parts)):
            inside.setdefault("/".join(parts[:depth]).rpartition("[")[0], []).append(order)
    for loop, found in inside.items():
        if max(found) - min(found) + 1 != len(found):
            yield f"{loop!r} runs without a break; n8n ran other nodes between its rounds"


def _reordered(orders: Mapping[str, int]) -> Iterator[str]:
    """The loops whose rounds ran their nodes in different orders."""
    rounds: dict[str, list[str]] = {}
    for step_id in sorted(orders, key=lambda step_id: orders[step_id]):
        if "/" in step_id:
            around, _, node = step_id.rpartition("/")
            rounds.setdefault(around, []).append(node)
    known: dict[str, list[str]] = {}
    for around, nodes in rounds.items():
        loop = plain_path(around).rpartition("[")[0]
        first = known.setdefault(loop, list(nodes))
        common = [node for node in nodes if node in first]
        if common != [node for node in first if node in nodes]:
            yield f"{loop!r} runs its nodes in the order of its first round; n8n changed it in a later one"
        first += [node for node in nodes if node not in first]
