"""A small interpreter of workflows for the reference model: one run, under one legal order of ready nodes. Pure.

Steps are generators that yield while they are blocked. A step whose failure ends the execution is held back until
all else is done: in some legal order it ran last, and what other orders leave unrun is then optional.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TypeAlias

from engines.api import (
    ActivityNode,
    ConditionNode,
    ExecutionStatus,
    JoinNode,
    JsonText,
    JsonValue,
    LoopNode,
    StartNode,
    WaitNode,
    Workflow,
)
from engines.errors import PayloadRefused
from engines.payloads import encode
from harness.judge.reference_graph import Graph, Shape, Waits
from harness.judge.reference_outside import Outside, Ran
from harness.judge.reference_world import NoValue, delay_band, evaluate, has_effect, output_of, ports_of, response_to
from scenarios.model import Scenario

__all__ = ["Interpreter", "Order", "Work"]

Order: TypeAlias = Callable[[Workflow], dict[str, int]]
"""Gives each node of one level its rank; of the ready nodes the lowest rank goes first."""
Exit: TypeAlias = tuple[JsonValue, tuple[str, ...]]
Blocked: TypeAlias = Generator[None, None, Exit]


class Work:
    """What runs of one scenario have in common, whatever their order: values as text, and the levels' shapes.

    Both are kept by identity beside the object itself, so that no other can take its place in memory.
    """

    def __init__(self) -> None:
        self._texts: dict[int, tuple[JsonValue, JsonText]] = {}
        self._shapes: dict[int, Shape] = {}

    def text(self, value: JsonValue) -> JsonText:
        """The value as JSON, encoded once however many steps hand it on. Raises PayloadRefused."""
        known = self._texts.get(id(value))
        if known is None:
            known = self._texts[id(value)] = (value, encode(value))
        return known[1]

    def shape(self, workflow: Workflow) -> Shape:
        """The level's shape, worked out once however often it runs."""
        known = self._shapes.get(id(workflow))
        if known is None:
            known = self._shapes[id(workflow)] = Shape.of(workflow)
        return known


class Interpreter:
    """Runs a scenario as the harness does. Call `run` once, then read."""

    def __init__(self, scenario: Scenario, order: Order, work: Work) -> None:
        self._scenario = scenario
        self._order = order
        self._ranks: dict[int, dict[str, int]] = {}
        self._outside = Outside(scenario.signals)
        self._text = work.text
        self._shape = work.shape
        self._changes = 0
        self.steps: dict[str, Ran] = {}
        self.failing: list[str] = []
        self.pauses = 0
        self.output: JsonText | None = None

    @property
    def delivered(self) -> list[str]:
        """The ids of the signals that were delivered, in order."""
        return self._outside.delivered

    def run(self) -> ExecutionStatus:
        """Drives to the end, or to a pause at which nothing is left to bring."""
        top = self._level(Graph(self._shape(self._scenario.workflow), self._scenario.input), "", Waits())
        while True:
            graph = self._drain(top)
            if graph is not None:
                return self._complete(graph)
            if self.failing:
                self._abandon()
                return "failed"
            self.pauses += 1
            if self._scenario.cancel_at_pause == self.pauses:
                self._abandon()
                return "cancelled"
            if not self._outside.bring(self.steps.values()):
                return "running"

    def _complete(self, graph: Graph) -> ExecutionStatus:
        try:
            self.output = self._text(graph.output())
        except PayloadRefused:
            return "failed"
        return "completed"

    def _drain(self, top: Generator[None, None, Graph]) -> Graph | None:
        """Runs until nothing moves any more; the graph where it has ended."""
        before = -1
        while before != self._changes:
            before = self._changes
            try:
                next(top)
            except StopIteration as stop:
                ended: Graph = stop.value
                return ended
        return None

    def _abandon(self) -> None:
        """Ends what has not ended: failed around a failing step, cancelled elsewhere."""
        for ran in self.steps.values():
            if ran.status in {"running", "paused"}:
                around = any(step_id.startswith(f"{ran.step_id}[") for step_id in self.failing)
                ran.status = "failed" if around else "cancelled"
                ran.error = "a step inside failed" if around else None

    def _level(self, graph: Graph, prefix: str, outside: Waits) -> Generator[None, None, Graph]:
        """Runs one level to its end, always going on with the ready or blocked node of lowest rank that can move."""
        rank = self._rank(graph.workflow)
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

    def _start(self, graph: Graph, node_id: str, prefix: str, outside: Waits) -> Blocked:
        waits = graph.waits(node_id, prefix, outside)
        ran = Ran(node=graph.nodes[node_id], step_id=prefix + node_id, waits=waits, input=graph.start(node_id))
        self.steps[ran.step_id] = ran
        self._changes += 1
        return self._step(ran)

    def _skip(self, graph: Graph, node_id: str, prefix: str, outside: Waits) -> None:
        waits = graph.waits(node_id, prefix, outside)
        self.steps[prefix + node_id] = Ran(
            node=graph.nodes[node_id], step_id=prefix + node_id, waits=waits, status="skipped"
        )

    def _step(self, ran: Ran) -> Blocked:
        try:
            ran.given = self._text(ran.input)
        except PayloadRefused as refused:
            yield from self._fail(ran, str(refused))
        output, ports = yield from self._exit(ran)
        try:
            ran.output = self._text(output)
        except PayloadRefused as refused:
            yield from self._fail(ran, str(refused))
        if ran.status != "failed":
            ran.status = "completed"
        ran.ports = ports
        self._changes += 1
        return output, ports

    def _exit(self, ran: Ran) -> Blocked:
        match ran.node:
            case StartNode() | JoinNode():
                return ran.input, ("out",)
            case ActivityNode() as node:
                return (yield from self._activity(ran, node))
            case ConditionNode() as node:
                try:
                    return ran.input, ports_of(node, ran.input)
                except NoValue as error:
                    return (yield from self._fail(ran, str(error)))
            case WaitNode() as node:
                return (yield from self._wait(ran, node))
            case LoopNode() as node:
                return (yield from self._loop(ran, node))

    def _fail(self, ran: Ran, message: str) -> Blocked:
        """Fails the step and with it the execution; never gets anywhere."""
        ran.status, ran.error = "failed", message
        self.failing.append(ran.step_id)
        self._changes += 1
        while True:
            yield

    def _activity(self, ran: Ran, node: ActivityNode) -> Blocked:
        message = ""
        for k in range(node.retry.max_retries + 1):
            ran.attempts = k + 1
            response = response_to(self._scenario, ran.step_id, node.activity, ran.attempts)
            ran.effect = ran.effect or has_effect(response)
            ran.refused = False
            if response.error is None:
                output = output_of(response, ran.input)
                try:
                    self._text(output)
                except PayloadRefused as refused:
                    message = str(refused)
                    break
                return output, response.ports
            message, ran.refused = response.error, True
            if not response.retryable or k == node.retry.max_retries:
                break
            ran.delays.append(delay_band(node.retry, k))
            self._outside.clock_ms += ran.delays[-1][1]
        if node.on_error == "fail":
            return (yield from self._fail(ran, message))
        ran.status, ran.error = "failed", message
        return {"error": message}, ("out" if node.on_error == "continue" else "error",)

    def _wait(self, ran: Ran, node: WaitNode) -> Blocked:
        ran.paused_ms = self._outside.clock_ms
        while True:
            signal = self._outside.take(node.signal)
            if signal is not None:
                ran.woken_by = signal.id
                return signal.payload, ("out",)
            if node.timeout_ms is not None and self._outside.clock_ms >= ran.paused_ms + node.timeout_ms:
                ran.woken_by = "timer"
                return (ran.input, ("out",)) if node.signal is None else (None, ("timeout",))
            ran.status = "paused"
            yield

    def _loop(self, ran: Ran, node: LoopNode) -> Blocked:
        if node.items is not None:
            return (yield from self._each(ran, node, node.items))
        value, waits = ran.input, ran.waits
        for i in range(node.max_iterations):
            prefix = f"{ran.step_id}[{i}]/"
            graph = yield from self._level(Graph(self._shape(node.body), value), prefix, waits)
            waits = _after(graph, prefix)
            again = graph.arrived("$again")
            if again:
                value = graph.carried(again)
                continue
            left = [edge for edge in node.body.edges if edge.target.startswith("$exit.") and graph.took(edge)]
            ports = tuple(dict.fromkeys(edge.target.removeprefix("$exit.") for edge in left))
            return graph.carried(left) if left else graph.output(), ports
        return (yield from self._fail(ran, f"more than {node.max_iterations} iterations"))

    def _each(self, ran: Ran, node: LoopNode, expression: str) -> Blocked:
        try:
            items = evaluate(expression, ran.input)
        except NoValue as error:
            return (yield from self._fail(ran, str(error)))
        if not isinstance(items, list):
            return (yield from self._fail(ran, "the items are no list"))
        outputs: list[JsonValue] = []
        waits = ran.waits
        for i, item in enumerate(items):
            prefix = f"{ran.step_id}[{i}]/"
            graph = yield from self._level(Graph(self._shape(node.body), item), prefix, waits)
            waits = _after(graph, prefix)
            outputs.append(graph.output())
        return outputs, ("out",)


def _after(graph: Graph, prefix: str) -> Waits:
    """What the next iteration waits for: every step of this one."""
    return Waits(all_of=frozenset(prefix + node_id for node_id in graph.output_of))
