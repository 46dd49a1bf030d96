"""When a failed activity is tried again, and how a failed commit is. Pure.

A delay's jitter comes from a digest of (execution, step, attempt), so that a worker that takes over works out the same
deadline as the one that died.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID

from cutover.engines.api import RetryPolicy

__all__ = ["COMMIT_TRIES", "commit_pause_s", "delay_ms", "due_at", "may_retry"]

_LATEST = datetime(9999, 12, 31, tzinfo=UTC)
COMMIT_TRIES = 8
"""How often one commit is sent while Postgres answers 40001 or 40P01."""


def may_retry(policy: RetryPolicy, attempt: int, *, retryable: bool) -> bool:
    """Whether another attempt follows the failed one, whose number counts from 1."""
    return retryable and attempt <= policy.max_retries


def delay_ms(policy: RetryPolicy, attempt: int, execution_id: UUID, step_id: str) -> float:
    """Milliseconds between the failure of an attempt (from 1) and the next; retry k of the policy is attempt k + 1."""
    try:
        delay = min(float(policy.cap_ms), policy.initial_ms * policy.factor ** (attempt - 1))
    except OverflowError:
        delay = float(policy.cap_ms)
    return delay * (1 - policy.jitter * _share(execution_id, step_id, attempt)) if policy.jitter else delay


def due_at(now: datetime, delay: float) -> datetime:
    """The deadline that lies `delay` milliseconds after now; one beyond all calendars is as late as they go."""
    try:
        return now + timedelta(milliseconds=delay)
    except OverflowError:
        return _LATEST


def commit_pause_s(tried: int) -> float:
    """Seconds of real time before a refused commit is sent again, `tried` from 1: 2 ms, doubling."""
    return float(0.002 * 2 ** min(tried - 1, 6))


def _share(execution_id: UUID, step_id: str, attempt: int) -> float:
    """A number in [0, 1) that is the same on every machine."""
    digest = sha256(f"{execution_id}:{step_id}:{attempt}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
