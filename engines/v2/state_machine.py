"""The table of legal status changes, as data. Pure; the same rows stand in schema.sql, and a test compares them."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from cutover.engines.errors import InvalidTransition

__all__ = ["END_STATES", "TRANSITIONS", "Scope", "next_state"]

Scope: TypeAlias = Literal["execution", "step"]

TRANSITIONS: Final[dict[tuple[Scope, str, str], str]] = {
    ("execution", "pending", "START"): "running",
    ("execution", "pending", "CANCEL"): "cancelled",
    ("execution", "running", "COMPLETE"): "completed",
    ("execution", "running", "FAIL"): "failed",
    ("execution", "running", "CANCEL"): "cancelled",
    ("step", "pending", "START"): "running",
    ("step", "pending", "SKIP"): "skipped",
    ("step", "running", "COMPLETE"): "completed",
    ("step", "running", "FAIL"): "failed",
    ("step", "running", "RETRY"): "retrying",
    ("step", "running", "PAUSE"): "paused",
    ("step", "running", "CANCEL"): "cancelled",
    ("step", "retrying", "START"): "running",
    ("step", "retrying", "CANCEL"): "cancelled",
    ("step", "paused", "RESUME"): "running",
    ("step", "paused", "CANCEL"): "cancelled",
}
"""(scope, from, event) to the state that follows."""

END_STATES: Final = frozenset({"completed", "failed", "skipped", "cancelled"})
"""Nothing leaves these."""


def next_state(scope: Scope, state: str, event: str) -> str:
    """The state after the event; raises InvalidTransition where the table has no such row."""
    try:
        return TRANSITIONS[scope, state, event]
    except KeyError:
        legal = sorted(e for s, f, e in TRANSITIONS if (s, f) == (scope, state))
        known = ", ".join(legal) or "none, it has ended"
        raise InvalidTransition(f"{event} is not legal for a {scope} that is {state}; legal are: {known}") from None
