"""Delays and attempts, against the plan's 1, 2, 4 s and hand-worked numbers."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest

from cutover.engines.api import RetryPolicy
from cutover.engines.v2.retry import delay_ms, due_at, may_retry

X = UUID("11111111-1111-4111-8111-111111111111")


def test_the_default_waits_1_2_and_4_seconds() -> None:
    assert [delay_ms(RetryPolicy(), attempt, X, "s") for attempt in (1, 2, 3)] == [1_000, 2_000, 4_000]


def test_the_default_has_four_attempts() -> None:
    assert [may_retry(RetryPolicy(), attempt, retryable=True) for attempt in (1, 2, 3, 4)] == [True, True, True, False]


def test_what_may_not_be_retried_is_not() -> None:
    assert not may_retry(RetryPolicy(), 1, retryable=False)
    assert not may_retry(RetryPolicy(max_retries=0), 1, retryable=True)


@pytest.mark.parametrize(
    ("policy", "attempt", "expected"),
    [
        (RetryPolicy(initial_ms=500, factor=3.0, cap_ms=4_000), 3, 4_000),
        (RetryPolicy(initial_ms=500, factor=3.0, cap_ms=5_000), 3, 4_500),
        (RetryPolicy(initial_ms=0), 3, 0),
        (RetryPolicy(initial_ms=10, factor=1.0), 50, 10),
        (RetryPolicy(initial_ms=1_000, factor=1e300, cap_ms=7, max_retries=100), 100, 7),
    ],
)
def test_the_cap_and_the_factor(policy: RetryPolicy, attempt: int, expected: float) -> None:
    assert delay_ms(policy, attempt, X, "s") == expected


def test_jitter_shortens_within_its_share_and_is_the_same_for_every_worker() -> None:
    policy = RetryPolicy(jitter=0.25)
    delays = [delay_ms(policy, 2, X, f"step-{i}") for i in range(200)]
    assert all(1_500 <= delay <= 2_000 for delay in delays)
    assert len(set(delays)) == 200
    assert delays == [delay_ms(policy, 2, X, f"step-{i}") for i in range(200)]


def test_the_deadline_is_milliseconds_after_now() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert due_at(now, 1_500) == datetime(2026, 1, 1, 0, 0, 1, 500_000, tzinfo=UTC)


@pytest.mark.parametrize("never", [2**53 - 1, 10**20])
def test_a_deadline_beyond_all_calendars_is_as_late_as_they_go(never: int) -> None:
    """The largest integer that JavaScript knows, in milliseconds, is what some write for `never`."""
    assert due_at(datetime(2026, 1, 1, tzinfo=UTC), never) == datetime(9999, 12, 31, tzinfo=UTC)
