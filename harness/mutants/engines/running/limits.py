"""Engines that compare loosely, or whose times and counts give out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

from cutover.engines.api import ConditionNode, JsonText, JsonValue, RetryPolicy, WaitNode
from cutover.engines.v2 import retry
from cutover.engines.v2 import run as runs
from cutover.engines.v2.delta import Delta
from cutover.engines.v2.nodes import choose
from cutover.engines.v2.planner import Step
from cutover.engines.v2.run import ExecutionRun
from cutover.harness.mutants.engines.broken import BrokenV2
from cutover.harness.mutants.patching import Patch

__all__ = [
    "ComparesAsText",
    "ComparesWithoutCase",
    "DelaysInThirtyTwoBits",
    "MatchesTheBeginning",
    "NoCapOfZero",
    "NoWaitOfZero",
    "RetriesAtMostTen",
    "TakesTheLastCase",
    "UsualDelayForZero",
    "WaitsInThirtyTwoBits",
]

_BITS: Final = 2**31


class _Choosing(BrokenV2):
    """Chooses the way out of a condition by another comparison."""

    def port_of(self, node: ConditionNode, value: JsonValue) -> str | None:
        """The port of the case that it takes to be met, None where there is none."""
        del node, value
        return None

    def patches(self) -> tuple[Patch, ...]:
        """How a condition chooses."""

        def loosely(node: ConditionNode, value: JsonValue) -> str:
            return (self.port_of(node, value) if node.cases else None) or choose(node, value)

        return ((runs, "choose", loosely),)


class ComparesWithoutCase(_Choosing):
    """Compares texts without regard to capitals."""

    def port_of(self, node: ConditionNode, value: JsonValue) -> str | None:
        """The first whose letters are the same."""
        wanted = str(value).casefold()
        return next(
            (
                case.port
                for case in node.cases
                if isinstance(value, str) and isinstance(case.value, str) and case.value.casefold() == wanted
            ),
            None,
        )


class ComparesAsText(_Choosing):
    """Compares what values look like when they are printed."""

    def port_of(self, node: ConditionNode, value: JsonValue) -> str | None:
        """The first that looks the same."""
        return next((case.port for case in node.cases if str(case.value) == str(value)), None)


class TakesTheLastCase(_Choosing):
    """Goes through all cases and keeps the last that is met."""

    def port_of(self, node: ConditionNode, value: JsonValue) -> str | None:
        """The last that is equal."""
        return next(
            (case.port for case in reversed(node.cases) if type(case.value) is type(value) and case.value == value),
            None,
        )


class MatchesTheBeginning(BrokenV2):
    """Gives a signal to a wait whose name begins as the signal's does."""

    def patches(self) -> tuple[Patch, ...]:
        """Where a signal goes."""
        original = ExecutionRun.receive

        def receive(run: ExecutionRun, signal_id: str, name: str, payload: JsonText) -> None:
            waits = (step.node for step in run.open.values() if step.status == "paused")
            names = [node.signal for node in waits if isinstance(node, WaitNode) and node.signal is not None]
            original(run, signal_id, next((each for each in names if name.startswith(each)), name), payload)

        return ((ExecutionRun, "receive", receive),)


class NoWaitOfZero(BrokenV2):
    """Takes a timeout of 0 for none."""

    def patches(self) -> tuple[Patch, ...]:
        """How a wait begins, and what is kept of its timer."""
        original, timer = ExecutionRun._pause, Delta.timer

        def pause(run: ExecutionRun, step: Step, now: datetime) -> None:
            original(run, step, now)
            if isinstance(step.node, WaitNode) and not step.node.timeout_ms:
                step.due_at = None

        def kept(delta: Delta, step: Step, kind: str, attempt: int, due_at: datetime, *fired: datetime | None) -> None:
            if not isinstance(step.node, WaitNode) or step.node.timeout_ms:
                timer(delta, step, kind, attempt, due_at, *fired)

        return ((ExecutionRun, "_pause", pause), (Delta, "timer", kept))


class WaitsInThirtyTwoBits(BrokenV2):
    """Counts the milliseconds of a wait in 32 bits."""

    def patches(self) -> tuple[Patch, ...]:
        """When a timer is up."""

        def wrapped(now: datetime, delay: float) -> datetime:
            return retry.due_at(now, delay % (2 * _BITS))

        return ((runs, "due_at", wrapped),)


class _Delaying(BrokenV2):
    """Works delays out by another policy than the node's."""

    def policy_of(self, policy: RetryPolicy) -> RetryPolicy:
        """The policy that it goes by."""
        return policy

    def patches(self) -> tuple[Patch, ...]:
        """The delay."""
        original: Callable[[RetryPolicy, int, UUID, str], float] = retry.delay_ms

        def delay_ms(policy: RetryPolicy, attempt: int, execution_id: UUID, step_id: str) -> float:
            return original(self.policy_of(policy), attempt, execution_id, step_id)

        return ((retry, "delay_ms", delay_ms),)


class NoCapOfZero(_Delaying):
    """Takes a cap of 0 for none."""

    def policy_of(self, policy: RetryPolicy) -> RetryPolicy:
        """With the usual cap."""
        return replace(policy, cap_ms=policy.cap_ms or 60_000)


class UsualDelayForZero(_Delaying):
    """Takes a first delay of 0 for none given."""

    def policy_of(self, policy: RetryPolicy) -> RetryPolicy:
        """With the usual first delay."""
        return replace(policy, initial_ms=policy.initial_ms or 1_000)


class DelaysInThirtyTwoBits(_Delaying):
    """Counts the milliseconds of a delay in 32 bits with a sign."""

    def policy_of(self, policy: RetryPolicy) -> RetryPolicy:
        """With times that fit."""
        return replace(policy, initial_ms=_wrapped(policy.initial_ms), cap_ms=_wrapped(policy.cap_ms))


class RetriesAtMostTen(BrokenV2):
    """Has had enough after ten retries, whatever the policy allows."""

    def patches(self) -> tuple[Patch, ...]:
        """Who may retry."""
        original = retry.may_retry

        def may_retry(policy: RetryPolicy, attempt: int, *, retryable: bool) -> bool:
            return attempt <= 10 and original(policy, attempt, retryable=retryable)

        return ((retry, "may_retry", may_retry),)


def _wrapped(milliseconds: float) -> int:
    return (int(milliseconds) + _BITS) % (2 * _BITS) - _BITS
