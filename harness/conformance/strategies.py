"""The scenarios that the state machine draws: small, and deaths and time cannot change their outcome. Pure.

Timeouts are stretched beyond all that the rules let pass, and cancelling is a rule, not part of a scenario. So the
reference model knows the outcome of an execution, whenever it was killed and time moved.
"""

from __future__ import annotations

import random
from dataclasses import replace
from functools import cache
from typing import Final

from hypothesis import strategies as st

from cutover.engines.api import LoopNode, Node, WaitNode, Workflow
from cutover.scenarios.generated.generator import SizeLimits, generate
from cutover.scenarios.model import Scenario
from cutover.scenarios.strategies import scenarios

__all__ = ["from_pool", "machine_scenarios", "stretched"]

_DAY_MS: Final = 86_400_000
_FREELY: Final = SizeLimits(max_nodes=6, large=0, retries=0.6, failures=0.15, waits=0.6, loops=0.3, awkward=0.1, racy=0)
_WAITS: Final = replace(_FREELY, max_nodes=4, waits=1, loops=0.2)
_RETRIES: Final = replace(_FREELY, max_nodes=4, retries=1, waits=0.2, failures=0.3)
_OF_EACH: Final = 60
_STRIDE: Final = 61


def machine_scenarios() -> st.SearchStrategy[Scenario]:
    """Half drawn node by node, so that they shrink; half from a fixed pool in which waits and retries are common."""
    return scenarios(_FREELY, boundaries=False).map(stretched) | st.deferred(lambda: st.sampled_from(_pool()))


def from_pool(number: int) -> Scenario:
    """One of the pool; consecutive numbers return scenarios that are unlike."""
    pool = _pool()
    return pool[number * _STRIDE % len(pool)]


def stretched(scenario: Scenario) -> Scenario:
    """The same with every timeout a day longer and without a planned cancellation."""
    return replace(scenario, workflow=_stretched(scenario.workflow), cancel_at_pause=None)


def _stretched(workflow: Workflow) -> Workflow:
    return replace(workflow, nodes=tuple(_stretched_node(node) for node in workflow.nodes))


def _stretched_node(node: Node) -> Node:
    if isinstance(node, WaitNode) and node.timeout_ms is not None:
        return replace(node, timeout_ms=node.timeout_ms + _DAY_MS)
    return replace(node, body=_stretched(node.body)) if isinstance(node, LoopNode) else node


@cache
def _pool() -> tuple[Scenario, ...]:
    """As many that await a signal, that await a timer, and that retry; smallest first."""
    found: dict[str, list[Scenario]] = {"signal": [], "wait": [], "retry": []}
    number = 0
    while any(len(of_kind) < _OF_EACH for of_kind in found.values()):
        number += 1
        bounds = _RETRIES if number % 3 == 0 else _WAITS
        scenario = generate(random.Random(number), number, bounds)  # noqa: S311 - no secret
        for kind in ["signal"] if scenario.signals else [tag for tag in scenario.tags if tag in found]:
            if len(found[kind]) < _OF_EACH:
                found[kind].append(stretched(scenario))
    pool = {scenario.id: scenario for of_kind in found.values() for scenario in of_kind}
    return tuple(sorted(pool.values(), key=lambda scenario: (len(scenario.workflow.nodes), scenario.id)))
