"""Engines that act on what they should hand on, or count no further than they think anybody goes."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Final
from uuid import UUID

from cutover.engines.api import ActivityNode, ActivityResult, Edge, JsonText, RetryPolicy, Signal, Workflow
from cutover.engines.errors import ActivityError
from cutover.engines.payloads import encode
from cutover.engines.v2 import retry
from cutover.engines.v2 import run as runs
from cutover.engines.v2.graph import Graph
from cutover.engines.v2.nodes import list_items
from cutover.engines.v2.planner import Step
from cutover.engines.v2.run import ExecutionRun
from cutover.harness.mutants.engines.broken import BrokenV2
from cutover.harness.mutants.patching import Patch

__all__ = [
    "CutsSignalledFloats",
    "FailsWithoutSuccess",
    "FollowsSixtyFour",
    "KeepsErrorsInOnePlane",
    "ObeysRetryAfter",
    "ReadsStatusCodes",
    "ReadsWordsAsFalse",
    "StopsGrowing",
]

_EDGES: Final = 64
_DOUBLINGS: Final = 6
_DIGITS: Final = 15
_ASKED: Final = re.compile(r"retry[ -]after:? (\d+)", re.IGNORECASE)
_BEYOND: Final = re.compile(r"[\U00010000-\U0010ffff]")


class FollowsSixtyFour(BrokenV2):
    """Follows the first 64 edges that leave a node."""

    def patches(self) -> tuple[Patch, ...]:
        """Which edges there are."""
        original = Graph._add_edge

        def add_edge(graph: Graph, workflow: Workflow, edge: Edge, *, repeat: bool) -> None:
            source = graph.index.get(edge.source)
            if source is None or len(graph.outgoing[source]) < _EDGES:
                original(graph, workflow, edge, repeat=repeat)

        return ((Graph, "_add_edge", add_edge),)


class StopsGrowing(BrokenV2):
    """Doubles a delay six times and no more."""

    def patches(self) -> tuple[Patch, ...]:
        """The delay."""
        original = retry.delay_ms

        def delay_ms(policy: RetryPolicy, attempt: int, execution_id: UUID, step_id: str) -> float:
            return original(policy, min(attempt, _DOUBLINGS + 1), execution_id, step_id)

        return ((retry, "delay_ms", delay_ms),)


class _AnswerReading(BrokenV2):
    """Takes some answers for failures."""

    def failure_in(self, output: dict[str, object]) -> str | None:
        """What it takes for a failure in an answer, None where it sees none."""
        del output
        return None

    def succeeded(self, run: ExecutionRun, step: Step, result: ActivityResult) -> None:
        """As V2, or as if it had failed."""
        output = result.output if isinstance(result.output, dict) else {}
        message = self.failure_in({**output})
        if message is not None and isinstance(step.node, ActivityNode):
            self.failed(run, step, step.node, ActivityError(message))
        else:
            super().succeeded(run, step, result)


class FailsWithoutSuccess(_AnswerReading):
    """Takes an answer for a failure that says it was no success."""

    def failure_in(self, output: dict[str, object]) -> str | None:
        """By two usual keys."""
        return "no success" if output.get("success") is False or output.get("ok") is False else None


class ReadsStatusCodes(_AnswerReading):
    """Takes an answer for a failure that has the status of one."""

    def failure_in(self, output: dict[str, object]) -> str | None:
        """By two usual keys."""
        code = output.get("statusCode", output.get("status"))
        return f"status {code}" if isinstance(code, int) and 500 <= code < 600 else None


class _Wording(BrokenV2):
    """Reads the texts of errors."""

    def read(self, error: ActivityError) -> ActivityError:
        """The error that it goes on with."""
        return error

    def failed(self, run: ExecutionRun, step: Step, node: ActivityNode, error: ActivityError) -> None:
        """As V2, with another error."""
        super().failed(run, step, node, self.read(error))


class KeepsErrorsInOnePlane(_Wording):
    """Keeps no character of an error that takes four bytes."""

    def read(self, error: ActivityError) -> ActivityError:
        """With question marks."""
        return ActivityError(_BEYOND.sub("?", error.message), retryable=error.retryable)


class ObeysRetryAfter(BrokenV2):
    """Waits for as long as an error's text asks for."""

    def failed(self, run: ExecutionRun, step: Step, node: ActivityNode, error: ActivityError) -> None:
        """As V2, by another policy."""
        asked = _ASKED.search(error.message)
        if asked is None:
            super().failed(run, step, node, error)
            return
        least = int(asked[1]) * 1_000
        policy = replace(node.retry, initial_ms=max(node.retry.initial_ms, least), cap_ms=max(node.retry.cap_ms, least))
        super().failed(run, step, replace(node, retry=policy), error)


class ReadsWordsAsFalse(BrokenV2):
    """Takes some words among the items of a loop for false, as YAML does."""

    def patches(self) -> tuple[Patch, ...]:
        """What a loop goes over."""

        def listed(step: Step, expression: str) -> list[JsonText]:
            return ["false" if text.lower() in {'"no"', '"off"'} else text for text in list_items(step, expression)]

        return ((runs, "list_items", listed),)


class CutsSignalledFloats(BrokenV2):
    """Keeps 15 digits of the numbers that a signal carries."""

    def resume(self, execution_id: UUID, signal: Signal | None = None) -> None:
        """As V2, with another payload."""
        if signal is not None:
            signal = replace(signal, payload=json.loads(encode(signal.payload), parse_float=_cut))
        super().resume(execution_id, signal)


def _cut(digits: str) -> float:
    return float(f"{float(digits):.{_DIGITS}g}")
