"""The workflows that plays run: small ones, in which what an engine makes of a wait shows in the output. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final

from cutover.engines.api import (
    ActivityNode,
    Edge,
    JoinNode,
    JsonValue,
    LoopNode,
    Node,
    RetryPolicy,
    StartNode,
    WaitNode,
    Workflow,
)
from cutover.scenarios.model import PlannedSignal, Response, Scenario
from cutover.scenarios.tokens import token_of

__all__ = [
    "DAY_MS",
    "HOUR_MS",
    "chain",
    "each_item",
    "failing",
    "retrying",
    "rounds",
    "side_by_side",
    "signals",
    "wait",
]

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS


def wait(name: str, signal: str | None = None, timeout_ms: int | None = None) -> WaitNode:
    """Returns a wait; with a timer alone where no signal is named."""
    return WaitNode(id=name, signal=signal, timeout_ms=timeout_ms)


def signals(*named: str) -> tuple[PlannedSignal, ...]:
    """Returns signals of these names, in order, each with an id and a payload of its own."""
    secret = token_of("play-signals")
    return tuple(
        PlannedSignal(id=f"s{i}-{name}", name=name, payload={"by": name, "turn": i, "token": secret})
        for i, name in enumerate(named, 1)
    )


def chain(name: str, *nodes: Node | str, sent: tuple[PlannedSignal, ...] = (), workflow_id: str = "") -> Scenario:
    """Returns a scenario whose nodes follow each other; a text stands for an activity of that name.

    What one gives the next one gets, so that the output tells of all of them.
    """
    made = [StartNode(id="start"), *(_node(node) for node in nodes)]
    edges = [Edge(source=before.id, target=after.id) for before, after in pairwise(made)]
    return _scenario(name, Workflow(id=workflow_id or name, nodes=tuple(made), edges=tuple(edges)), sent)


def side_by_side(name: str, *branches: Sequence[Node | str], sent: tuple[PlannedSignal, ...] = ()) -> Scenario:
    """Returns a scenario whose branches run beside each other and meet in the end."""
    made: list[Node] = [StartNode(id="start")]
    edges: list[Edge] = []
    for branch in branches:
        before = "start"
        for node in map(_node, branch):
            made.append(node)
            edges.append(Edge(source=before, target=node.id))
            before = node.id
        edges.append(Edge(source=before, target="all"))
    made += [JoinNode(id="all"), _node("end")]
    edges.append(Edge(source="all", target="end"))
    return _scenario(name, Workflow(id=name, nodes=tuple(made), edges=tuple(edges)), sent)


def each_item(name: str, first: WaitNode, body: WaitNode, turns: int, *, sent: tuple[PlannedSignal, ...]) -> Scenario:
    """Returns a scenario that waits once, and then again in each turn of a loop."""
    return chain(name, first, rounds(name, turns, body), "end", sent=sent)


def rounds(name: str, turns: int, *waits: WaitNode) -> LoopNode:
    """Returns a loop that waits so in each turn, and then notes it."""
    nodes = (StartNode(id="start"), *waits, _node("note"))
    edges = tuple(Edge(source=before.id, target=after.id) for before, after in pairwise(nodes))
    inside = Workflow(id=f"{name}-turn", nodes=nodes, edges=edges)
    return LoopNode(id="turns", body=inside, items=f"[`{'`, `'.join(map(str, range(turns)))}`]")


def failing(name: str) -> Scenario:
    """Returns a scenario that fails at once."""
    return replace(chain(name, "refused"), world={"refused": (Response(error="refused", retryable=False),)})


def retrying(scenario: Scenario, node_id: str, delay_ms: int) -> Scenario:
    """Returns the scenario with an activity that fails at its first attempt, and is tried again after this delay."""
    policy = RetryPolicy(max_retries=2, initial_ms=delay_ms, cap_ms=delay_ms)
    nodes = tuple(
        replace(node, retry=policy) if isinstance(node, ActivityNode) and node.id == node_id else node
        for node in scenario.workflow.nodes
    )
    answers = (Response(error="busy"), *scenario.world[node_id])
    return replace(
        scenario, workflow=replace(scenario.workflow, nodes=nodes), world={**scenario.world, node_id: answers}
    )


def _node(node: Node | str) -> Node:
    return ActivityNode(id=node, activity=node, retry=RetryPolicy(max_retries=0)) if isinstance(node, str) else node


def _scenario(name: str, workflow: Workflow, sent: tuple[PlannedSignal, ...]) -> Scenario:
    secret: dict[str, JsonValue] = {"token": token_of(f"play-{name}")}
    return Scenario(
        id=f"play-{name}",
        title=name,
        workflow=workflow,
        input=secret,
        world={
            node.activity: (Response(output={"by": node.id, **secret}, echo=True),)
            for node in _activities(workflow.nodes)
        },
        signals=sent,
    )


def _activities(nodes: Sequence[Node]) -> list[ActivityNode]:
    inside = [each for node in nodes if isinstance(node, LoopNode) for each in _activities(node.body.nodes)]
    return [node for node in nodes if isinstance(node, ActivityNode)] + inside
