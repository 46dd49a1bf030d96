"""One attempt of an activity as something that is kept, and when the next is due. Calls the activity."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID

from cutover.engines.api import Activities, ActivityCall, Clock, JsonValue, RetryPolicy
from cutover.engines.errors import ActivityError, PayloadRefused
from cutover.engines.kit.durable import now_text
from cutover.engines.payloads import encode, storable_text

__all__ = ["due_after", "idempotency_key", "made", "next_due"]

_LATEST = datetime(9999, 12, 31, tzinfo=UTC)


def idempotency_key(execution_id: UUID, step_id: str) -> str:
    """Returns what the world knows a step's effect by: the same in every attempt and redelivery, and no other's."""
    return f"{execution_id}:{step_id}"


def made(activities: Activities, clock: Clock, call: ActivityCall) -> JsonValue:
    """Makes an attempt; returns what came of it, with the machine's time and the clock's.

    An answer that JSON cannot carry is an error that no other attempt can help: it would repeat the effect.
    """
    try:
        result = activities.call(call)
        encode(result.output)
    except ActivityError as error:
        return _ended(clock, error=error.message, retryable=error.retryable)
    except PayloadRefused as error:
        return _ended(clock, error=str(error), retryable=False)
    for port in result.ports:
        if storable_text(port) != port:
            return _ended(clock, error=f"the port {port!r} has a NUL or half a character", retryable=False)
    return _ended(clock, output=result.output, ports=list(result.ports))


def next_due(
    policy: RetryPolicy, attempt: int, kept: dict[str, JsonValue], execution_id: UUID, step_id: str
) -> datetime | None:
    """Returns when the attempt after a failed one (from 1) is due; None where there is none."""
    if not kept["retryable"] or attempt > policy.max_retries:
        return None
    try:
        delay = min(float(policy.cap_ms), policy.initial_ms * policy.factor ** (attempt - 1))
    except OverflowError:
        delay = float(policy.cap_ms)
    if policy.jitter:  # drawn from what a replay knows too
        drawn = sha256(f"{execution_id}/{step_id}/{attempt}".encode("utf-8", "backslashreplace")).digest()
        delay *= 1 - policy.jitter * int.from_bytes(drawn[:6], "big") / 2**48
    return due_after(datetime.fromisoformat(str(kept["clock"])), delay)


def due_after(now: datetime, delay_ms: float) -> datetime:
    """Returns the time so many milliseconds after now, or the end of the calendar."""
    try:
        return now + timedelta(milliseconds=delay_ms)
    except OverflowError:
        return _LATEST


def _ended(clock: Clock, **what: JsonValue) -> JsonValue:
    return {**what, "clock": clock.now().isoformat(), "at": now_text()}
