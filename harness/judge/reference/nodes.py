"""What each kind of node does in the reference model. Pure.

Steps are generators that yield while they are blocked.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TypeAlias

from cutover.engines.api import (
    ActivityNode,
    ConditionNode,
    JoinNode,
    JsonValue,
    LoopNode,
    StartNode,
    WaitNode,
    Workflow,
)
from cutover.engines.errors import PayloadRefused
from cutover.harness.judge.reference.graph import LevelGraph, PendingWaits
from cutover.harness.judge.reference.outside import ExpectedOutside
from cutover.harness.judge.reference.steps import Ran, Steps
from cutover.harness.judge.reference.work import Work
from cutover.harness.judge.reference.world import (
    NoValue,
    delay_band,
    evaluate,
    has_effect,
    output_of,
    ports_of,
    response_to,
)
from cutover.scenarios.model import Scenario

__all__ = ["Blocked", "Level", "Nodes"]

Exit: TypeAlias = tuple[JsonValue, tuple[str, ...]]
"""A step's output, and the ports that it leaves by."""
Blocked: TypeAlias = Generator[None, None, Exit]
Level: TypeAlias = Generator[None, None, LevelGraph]


class Nodes:
    """Runs one step after another; `level` runs a workflow on an input, for loops and their bodies."""

    def __init__(
        self,
        scenario: Scenario,
        work: Work,
        outside: ExpectedOutside,
        steps: Steps,
        level: Callable[[Workflow, JsonValue, str, PendingWaits], Level],
    ) -> None:
        self._scenario, self._work, self._outside, self._steps, self._level = scenario, work, outside, steps, level

    def step(self, ran: Ran) -> Blocked:
        """Runs a step that has started to its end."""
        try:
            ran.given = self._work.text(ran.input)
        except PayloadRefused as refused:
            yield from self._steps.fail(ran, str(refused))
        output, ports = yield from self._exit(ran)
        try:
            ran.output = self._work.text(output)
        except PayloadRefused as refused:
            yield from self._steps.fail(ran, str(refused))
        if ran.status != "failed":
            ran.status = "completed"
        ran.ports = ports
        self._steps.changes += 1
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
                    return (yield from self._steps.fail(ran, str(error)))
            case WaitNode() as node:
                return (yield from self._wait(ran, node))
            case LoopNode() as node:
                return (yield from self._loop(ran, node))

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
                    self._work.text(output)
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
            return (yield from self._steps.fail(ran, message))
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
            graph = yield from self._level(node.body, value, prefix, waits)
            waits = _after(graph, prefix)
            again = graph.arrived("$again")
            if again:
                value = graph.carried(again)
                continue
            left = [edge for edge in node.body.edges if edge.target.startswith("$exit.") and graph.took(edge)]
            ports = tuple(dict.fromkeys(edge.target.removeprefix("$exit.") for edge in left))
            return graph.carried(left) if left else graph.output(), ports
        return (yield from self._steps.fail(ran, f"more than {node.max_iterations} iterations"))

    def _each(self, ran: Ran, node: LoopNode, expression: str) -> Blocked:
        try:
            items = evaluate(expression, ran.input)
        except NoValue as error:
            return (yield from self._steps.fail(ran, str(error)))
        if not isinstance(items, list):
            return (yield from self._steps.fail(ran, "the items are not a list"))
        outputs: list[JsonValue] = []
        waits = ran.waits
        for i, item in enumerate(items):
            prefix = f"{ran.step_id}[{i}]/"
            graph = yield from self._level(node.body, item, prefix, waits)
            waits = _after(graph, prefix)
            outputs.append(graph.output())
        return outputs, ("out",)


def _after(graph: LevelGraph, prefix: str) -> PendingWaits:
    """Returns what the next iteration waits for: every step of this one."""
    return PendingWaits(all_of=frozenset(prefix + node_id for node_id in graph.output_of))
