"""A small interpreter of workflows for the reference model: one run, under one legal order of ready nodes. Pure.

A step whose failure ends the execution is held back until all else is done: in some legal order it ran last, and what
other orders leave unrun is then optional.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from cutover.engines.api import ExecutionStatus, JsonText, JsonValue, Workflow
from cutover.engines.errors import PayloadRefused
from cutover.harness.judge.reference.graph import LevelGraph, PendingWaits
from cutover.harness.judge.reference.nodes import Blocked, Level, Nodes
from cutover.harness.judge.reference.outside import ExpectedOutside
from cutover.harness.judge.reference.steps import Ran, Steps
from cutover.harness.judge.reference.work import Work
from cutover.scenarios.model import Scenario

__all__ = ["Interpreter", "Order"]

Order: TypeAlias = Callable[[Workflow], dict[str, int]]
"""Ranks the nodes of one level; of the ready nodes the lowest rank goes first."""


class Interpreter:
    """Runs a scenario as the harness does. Call `run` once, then read."""

    def __init__(self, scenario: Scenario, order: Order, work: Work) -> None:
        self._scenario, self._order, self._work = scenario, order, work
        self._ranks: dict[int, dict[str, int]] = {}
        self._outside = ExpectedOutside(scenario.signals)
        self._steps = Steps()
        self._nodes = Nodes(scenario, work, self._outside, self._steps, self._level)
        self.pauses = 0
        self.output: JsonText | None = None

    @property
    def steps(self) -> Mapping[str, Ran]:
        """Every step by its id."""
        return self._steps.by_id

    @property
    def failing(self) -> Sequence[str]:
        """The ids of the steps whose failure ends the execution."""
        return self._steps.failing

    @property
    def delivered(self) -> Sequence[str]:
        """The ids of the signals that were delivered, in order."""
        return self._outside.delivered

    def run(self) -> ExecutionStatus:
        """Drives to the end, or to a pause at which nothing is left to bring."""
        top = self._level(self._scenario.workflow, self._scenario.input, "", PendingWaits())
        while True:
            graph = self._drain(top)
            if graph is not None:
                return self._complete(graph)
            if self.failing:
                self._steps.abandon()
                return "failed"
            self.pauses += 1
            if self._scenario.cancel_at_pause == self.pauses:
                self._steps.abandon()
                return "cancelled"
            if not self._outside.bring(self.steps.values()):
                return "running"

    def _complete(self, graph: LevelGraph) -> ExecutionStatus:
        try:
            self.output = self._work.text(graph.output())
        except PayloadRefused:
            return "failed"
        return "completed"

    def _drain(self, top: Level) -> LevelGraph | None:
        """Runs until nothing moves any more; returns the graph where it has ended."""
        before = -1
        while before != self._steps.changes:
            before = self._steps.changes
            try:
                next(top)
            except StopIteration as stop:
                ended: LevelGraph = stop.value
                return ended
        return None

    def _level(self, workflow: Workflow, value: JsonValue, prefix: str, outside: PendingWaits) -> Level:
        """Runs one level to its end, always going on with the ready or blocked node of lowest rank that can move."""
        graph, rank = LevelGraph(self._work.shape(workflow), value), self._rank(workflow)
        open_steps: dict[str, Blocked] = {}
        while graph.ready or open_steps:
            for node_id in sorted(graph.ready | open_steps.keys(), key=rank.__getitem__):
                if node_id not in open_steps:
                    open_steps[node_id] = self._start(graph, node_id, prefix, outside)
                try:
                    next(open_steps[node_id])
                except StopIteration as stop:
                    output, ports = stop.value
                    del open_steps[node_id]
                    for skipped in graph.end(node_id, output, ports):
                        self._skip(graph, skipped, prefix, outside)
                    break
            else:
                yield
        return graph

    def _rank(self, workflow: Workflow) -> dict[str, int]:
        known = self._ranks.get(id(workflow))
        if known is None:
            known = self._ranks[id(workflow)] = self._order(workflow)
        return known

    def _start(self, graph: LevelGraph, node_id: str, prefix: str, outside: PendingWaits) -> Blocked:
        waits = graph.waits(node_id, prefix, outside)
        ran = Ran(node=graph.nodes[node_id], step_id=prefix + node_id, waits=waits, input=graph.start(node_id))
        self._steps.start(ran)
        return self._nodes.step(ran)

    def _skip(self, graph: LevelGraph, node_id: str, prefix: str, outside: PendingWaits) -> None:
        waits = graph.waits(node_id, prefix, outside)
        self._steps.by_id[prefix + node_id] = Ran(
            node=graph.nodes[node_id], step_id=prefix + node_id, waits=waits, status="skipped"
        )
