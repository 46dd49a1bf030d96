"""V2's execution in memory: what goes into one commit."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest

from cutover.engines.api import ConditionNode, Edge, Node, StartNode, WaitNode, Workflow
from cutover.engines.payloads import encode
from cutover.engines.v2.delta import Delta
from cutover.engines.v2.graph import Graph
from cutover.engines.v2.run import ExecutionRun

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MIB = 1024 * 1024


def commits(workflow: Workflow, given: str) -> list[int]:
    """The characters that each commit carries to the database, until the execution ends or waits."""
    run = ExecutionRun(UUID(int=1), Graph(workflow), encode(given))
    run.begin()
    sizes = []
    while True:
        assert run.advance(NOW) is None
        sizes.append(sum(len(value) for part in run.delta.rows() for row in part for value in row if value))
        run.delta = Delta()
        if run.status != "running" or run.paused:
            return sizes


@pytest.mark.parametrize(
    "make", [lambda i: ConditionNode(id=f"n{i}", expression="@"), lambda i: WaitNode(id=f"n{i}", signal="go")]
)
def test_large_values_are_spread_over_several_commits(make: object) -> None:
    """A statement has at most 1 GB; 100 nodes that hand 1 MiB on would write 200."""
    assert callable(make)
    nodes: tuple[Node, ...] = tuple(make(i) for i in range(100))
    edges = tuple(Edge(source="start", target=node.id) for node in nodes)
    sizes = commits(Workflow(id="w", nodes=(StartNode(id="start"), *nodes), edges=edges), "x" * MIB)
    assert sum(sizes) > 100 * MIB
    assert max(sizes) < 24 * MIB


def test_small_ones_go_together() -> None:
    nodes = tuple(ConditionNode(id=f"n{i}", expression="@") for i in range(100))
    edges = tuple(Edge(source="start", target=node.id) for node in nodes)
    assert len(commits(Workflow(id="w", nodes=(StartNode(id="start"), *nodes), edges=edges), "x")) == 1
