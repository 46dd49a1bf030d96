"""Boundary values of waits and retry policies: times and counts that an engine works with itself. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cutover.engines.api import RetryPolicy
from cutover.scenarios.boundaries.boundary import Boundary, BoundaryKind

__all__ = ["POLICIES", "RETRIES", "TIMEOUTS", "RetryLimit", "of_policy", "of_timeout"]


def _wait(name: str, timeout_ms: int, hurt: str) -> Boundary:
    return Boundary("time", f"wait of {name}", timeout_ms, hurt, only=("wait",))


TIMEOUTS: Final = (
    _wait("0 ms", 0, "taken for no timeout at all: sockets, locks and libraries where 0 is for ever"),
    _wait("1 ms", 1, "rounded to 0 in seconds"),
    _wait("999 ms", 999, "rounded to 0 or to 1 s"),
    _wait("1,001 ms", 1_001, "cut to whole seconds"),
    _wait("2^31 - 1 ms", 2**31 - 1, "the last that setTimeout of JavaScript waits for"),
    _wait("2^31 ms", 2**31, "setTimeout of JavaScript fires at once; Thread.Sleep(int) raises"),
    _wait("30 days", 2_592_000_000, "beyond 32 bits of milliseconds"),
    _wait("2^32 + 1 ms", 2**32 + 1, "1 ms after 32 bits; GetTickCount of Windows starts again"),
    _wait("366 days", 366 * 86_400_000, "longer than Step Functions lets an execution run"),
)


@dataclass(frozen=True, slots=True)
class RetryLimit:
    """A policy, and how many attempts fail under it; where that is more than it allows, the step fails."""

    policy: RetryPolicy
    failures: int


def _retry(kind: BoundaryKind, name: str, failures: int, hurt: str, policy: RetryPolicy) -> tuple[Boundary, RetryLimit]:
    shown = [policy.max_retries, policy.initial_ms, policy.factor, policy.cap_ms, policy.jitter]
    return Boundary(kind, name, [*shown], hurt, only=("retry",)), RetryLimit(policy, failures)


_FAR_MS: Final = 2**40
_MADE: Final = (
    _retry("count", "no retries", 1, "0 taken for the default", RetryPolicy(max_retries=0)),
    _retry("count", "one retry", 1, "attempts counted for retries: one too few", RetryPolicy(max_retries=1)),
    _retry("count", "retries used up", 3, "attempts counted for retries: one too many", RetryPolicy(max_retries=2)),
    _retry("count", "12 retries", 12, "2^12 s is past any cap, and past smallint in ms", RetryPolicy(max_retries=12)),
    _retry(
        "count",
        "40 retries",
        40,
        "2^40 s in ms is past 2^53 and past an interval",
        RetryPolicy(max_retries=40, cap_ms=1_000),
    ),
    _retry(
        "count",
        "16 retries far below the cap",
        16,
        "exponents that stop growing: 2^6 times the first delay in many libraries",
        RetryPolicy(max_retries=16, initial_ms=100, cap_ms=_FAR_MS),
    ),
    _retry(
        "number",
        "factor of 10 far below the cap",
        9,
        "delays held to an hour or a day, whatever the policy says",
        RetryPolicy(max_retries=9, initial_ms=1, factor=10.0, cap_ms=_FAR_MS),
    ),
    _retry("time", "no first delay", 2, "0 taken for the default of 1 s", RetryPolicy(initial_ms=0)),
    _retry("time", "first delay of 1 ms", 2, "cut to 0 s", RetryPolicy(initial_ms=1)),
    _retry("time", "cap of 0", 2, "0 taken for no cap", RetryPolicy(cap_ms=0)),
    _retry("time", "cap below the first delay", 2, "asked after the first delay only", RetryPolicy(cap_ms=400)),
    _retry(
        "time",
        "delays beyond 2^31 ms",
        3,
        "overflow of 32 bits of milliseconds",
        RetryPolicy(initial_ms=2**30, cap_ms=2**34),
    ),
    _retry("number", "factor of 1", 3, "1 taken for the default of 2", RetryPolicy(factor=1.0)),
    _retry("number", "factor of 1.1", 3, "cut to 1 where factors are whole", RetryPolicy(factor=1.1)),
    _retry("number", "factor of 10", 4, "past the cap at once", RetryPolicy(max_retries=4, factor=10.0)),
    _retry("number", "all of it jitter", 2, "jitter added, so that the cap is passed", RetryPolicy(jitter=1.0)),
)
RETRIES: Final = tuple(boundary for boundary, _ in _MADE)
POLICIES: Final = {boundary.name: limit for boundary, limit in _MADE}
"""What each of `RETRIES` stands for, by its name."""
_OF_POLICY: Final = {limit.policy: boundary for boundary, limit in _MADE}
_OF_TIMEOUT: Final[dict[object, Boundary]] = {boundary.value: boundary for boundary in TIMEOUTS}


def of_policy(policy: RetryPolicy) -> Boundary | None:
    """The boundary that a policy is, None where it is none."""
    return _OF_POLICY.get(policy)


def of_timeout(timeout_ms: int | None) -> Boundary | None:
    """The boundary that a wait's timeout is, None where it is none."""
    return _OF_TIMEOUT.get(timeout_ms)
