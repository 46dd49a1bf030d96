"""A small interpreter of workflows for the reference model: one run, under one legal order of ready nodes. Pure.

Steps are generators that yield while they are blocked. A step whose failure ends the execution is held back until
all else is done: in some legal order it ran last, and what other orders leave unrun is then optional.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import TypeAlias

from engines.api import (
    ActivityNode,
    ConditionNode,
    ExecutionStatus,
    JoinNode,
    JsonText,
    JsonValue,
    LoopNode,
    Node,
    StartNode,
    StepStatus,
    WaitNode,
    Workflow,
)
from engines.errors import PayloadRefused
from engines.payloads import encode
from harness.judge.reference_graph import Graph, Waits
from harness.judge.reference_world import NoValue, delay_band, evaluate, has_effect, output_of, ports_of, response_to
from scenarios.model import PlannedSignal, Scenario

__all__ = ["Interpreter", "Order", "Ran"]

Order: TypeAlias = Callable[[Workflow], dict[str, int]]
"""Gives each node of one level its rank; of the ready nodes the lowest rank goes first."""
Exit: TypeAlias = tuple[JsonValue, tuple[str, ...]]
Blocked: TypeAlias = Generator[None, None, Exit]


@dataclass(slots=True, kw_only=True)
class Ran:
    """One step as the interpreter saw it; `refused` says that the world's own error ended it.

    Delays are bands in ms, one a retry; `given` and `output` are JSON text.
    """

    node: Node
    step_id: str
    waits: Waits
    status: StepStatus = "running"
    input: JsonValue = None
    given: JsonText | None = None
    output: JsonText | None = None
    error: str | None = None
    attempts: int = 0
    delays: list[tuple[float, float]] = field(default_factory=list)
    effect: bool = False
    refused: bool = False
    ports: tuple[str, ...] = ()
    paused_ms: float = 0
    seen_ms: float | None = None
    woken_by: str | None = None


class Interpreter:
    """Runs a scenario as the harness does; `clock_ms` counts from the start. Call `run` once, then read."""

    def __init__(self, scenario: Scenario, order: Order) -> None:
        self._scenario = scenario
        self._order = order
        self._ranks: dict[int, dict[str, int]] = {}
        self._inbox: list[PlannedSignal] = []
        self._texts: dict[int, tuple[JsonValue, JsonText]] = {}
        self._changes = 0
        self.clock_ms = 0.0
        self.steps: dict[str, Ran] = {}
        self.failing: list[str] = []
        self.delivered: list[str] = []
        self.pauses = 0
        self.output: JsonText | None = None

    def run(self) -> ExecutionStatus:
        """Drives to the end, or to a pause at which nothing is left to bring."""
        top = self._level(Graph(self._scenario.workflow, self._scenario.input), "", Waits())
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
            if not self._bring():
                return "running"

    def _complete(self, graph: Graph) -> ExecutionStatus:
        try:
            self.output = self._text(graph.output())
        except PayloadRefused:
            return "failed"
        return "completed"

    def _text(self, value: JsonValue) -> JsonText:
        """The value as JSON, encoded once however many steps hand it on. Raises PayloadRefused."""
        known = self._texts.get(id(value))
        if known is None:
            known = self._texts[id(value)] = (value, encode(value))
        return known[1]

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

    def _bring(self) -> bool:
        """What the harness does at a pause: the first signal that is awaited, else the clock to the earliest timer.

        Raises PayloadRefused for a signal whose payload JSON cannot carry.
        """
        paused = [(ran, ran.node) for ran in self.steps.values() if ran.status == "paused"]
        waits = [(ran, node) for ran, node in paused if isinstance(node, WaitNode)]
        for ran, _ in waits:
            ran.seen_ms = self.clock_ms if ran.seen_ms is None else ran.seen_ms
        awaited = {node.signal for _, node in waits}
        for signal in self._scenario.signals:
            if signal.id not in self.delivered and signal.name in awaited:
                encode(signal.payload)
                self.delivered.append(signal.id)
                self._inbox.append(signal)
                return True
        due = [(ran.seen_ms or 0) + node.timeout_ms for ran, node in waits if node.timeout_ms is not None]
        if due:
            self.clock_ms = max(self.clock_ms, min(due))
        return bool(due)

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
            self.clock_ms += ran.delays[-1][1]
        if node.on_error == "fail":
            return (yield from self._fail(ran, message))
        ran.status, ran.error = "failed", message
        return {"error": message}, ("out" if node.on_error == "continue" else "error",)

    def _wait(self, ran: Ran, node: WaitNode) -> Blocked:
        ran.paused_ms = self.clock_ms
        while True:
            signal = next((signal for signal in self._inbox if signal.name == node.signal), None)
            if signal is not None:
                self._inbox.remove(signal)
                ran.woken_by = signal.id
                return signal.payload, ("out",)
            if node.timeout_ms is not None and self.clock_ms >= ran.paused_ms + node.timeout_ms:
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
            graph = yield from self._level(Graph(node.body, value), prefix, waits)
            waits = _after(graph, prefix)
            again = graph.arrived("$again")
            if again:
                value = graph.carried(again)
                continue
            left = [edge for edge in node.body.edges if edge.target.startswith("$exit.") and edge in graph.taken]
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
            graph = yield from self._level(Graph(node.body, item), prefix, waits)
            waits = _after(graph, prefix)
            outputs.append(graph.output())
        return outputs, ("out",)


def _after(graph: Graph, prefix: str) -> Waits:
    """What the next iteration waits for: every step of this one."""
    return Waits(all_of=frozenset(prefix + node_id for node_id in graph.output_of))
