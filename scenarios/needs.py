"""What a scenario asks of an engine beyond activities, by the names of `cutover.engines.api.Capabilities`. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from cutover.engines.api import ActivityNode, LoopNode, Node, WaitNode, Workflow
from cutover.scenarios.extents import retried
from cutover.scenarios.model import Scenario

__all__ = ["needs", "offered"]


def needs(scenario: Scenario) -> frozenset[str]:
    """Returns what an engine has to offer for the scenario to be played on it."""
    nodes = list(_nodes(scenario.workflow))
    waits = [node for node in nodes if isinstance(node, WaitNode)]
    again = any(isinstance(node, ActivityNode) and node.retry.max_retries > 0 for node in nodes) and any(
        map(retried, scenario.world.values())
    )
    named = {
        "cancel": scenario.cancel_at_pause is not None,
        "signals": bool(scenario.signals) or any(wait.signal is not None for wait in waits),
        "signal_ids": len({signal.id for signal in scenario.signals}) < len(scenario.signals),
        "waits": bool(waits),
        "retries": again,
        "loops": any(isinstance(node, LoopNode) for node in nodes),
        "injected_clock": again
        or any(wait.timeout_ms is not None for wait in waits)
        or any(response.takes_ms for planned in scenario.world.values() for response in planned),
    }
    return frozenset(name for name, needed in named.items() if needed)


def offered(scenarios: Iterable[Scenario], lacks: Collection[str]) -> tuple[Scenario, ...]:
    """Returns the scenarios that need nothing of what an engine lacks."""
    return tuple(scenario for scenario in scenarios if not lacks or needs(scenario).isdisjoint(lacks))


def _nodes(workflow: Workflow) -> Iterator[Node]:
    for node in workflow.nodes:
        yield node
        if isinstance(node, LoopNode):
            yield from _nodes(node.body)
