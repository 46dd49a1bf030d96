"""What engine mutants are played on: a run's scenarios, those first that show most, and which crash cases. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from cutover.engines.api import LoopNode, Node, WaitNode, Workflow
from cutover.harness.judge.reference.races import races_a_timer
from cutover.scenarios.generated.generator import drawn
from cutover.scenarios.model import Scenario

__all__ = ["Material", "features", "gathered", "most_telling_first"]


@dataclass(frozen=True, slots=True)
class Material:
    """`trials` run uninterrupted, in this order; `cases` crash cases are drawn by `seed` from executions of `crashed`,
    further deaths among them, and `restarts` more in which the server dies.
    """

    trials: tuple[Scenario, ...]
    crashed: tuple[Scenario, ...]
    cases: int
    restarts: int
    seed: int


def gathered(
    catalog: Sequence[Scenario],
    selected: Callable[[Sequence[Scenario]], tuple[Scenario, ...]],
    *,
    generated: int,
    cases: int,
    restarts: int,
    seed: int,
) -> Material:
    """The catalog, then as many drawn scenarios as a run of this seed has; `selected` are those to kill."""
    own = [drawn(seed, number) for number in range(1, generated + 1)]
    crashed = selected([each for each in own if not races_a_timer(each)])
    return Material((*most_telling_first(catalog), *own), crashed, cases, restarts, seed)


def most_telling_first(scenarios: Sequence[Scenario]) -> list[Scenario]:
    """Those first that together show every feature, each the one with the most that is new for its size."""
    left, seen, first = list(scenarios), set[str](), []
    while left:
        best = max(left, key=lambda each: len(features(each) - seen) / (3 + len(list(_nodes(each.workflow)))))
        if not features(best) - seen:
            break
        seen |= features(best)
        left.remove(best)
        first.append(best)
    return [*first, *left]


def features(scenario: Scenario) -> frozenset[str]:
    """What a scenario shows, by its tags, its nodes and how an execution of it can pause or fail."""
    nodes = list(_nodes(scenario.workflow))
    shown = set(scenario.tags) | {node.kind for node in nodes}
    shown |= {"timer" for node in nodes if isinstance(node, WaitNode) and node.timeout_ms is not None}
    shown |= {"signal"} if scenario.signals else set()
    shown |= {"cancel"} if scenario.cancel_at_pause is not None else set()
    errors = [each for answers in scenario.world.values() for each in answers if each.error is not None]
    shown |= {"retried" if each.retryable else "refused" for each in errors}
    return frozenset(shown)


def _nodes(workflow: Workflow) -> Iterator[Node]:
    for node in workflow.nodes:
        yield node
        if isinstance(node, LoopNode):
            yield from _nodes(node.body)
