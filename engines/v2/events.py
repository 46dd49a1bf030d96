"""Legal status changes, and the event history in which each is one entry with a dense sequence. Pure.

The table of transitions is data; the same rows stand in schema.sql, and a test compares them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal, NamedTuple, TypeAlias

from cutover.engines.api import JsonText
from cutover.engines.errors import InvalidTransition
from cutover.engines.payloads import encode

__all__ = [
    "END_STATES",
    "TRANSITIONS",
    "Event",
    "Row",
    "Scope",
    "next_sequence",
    "next_state",
    "record",
    "signal_received",
]

Row: TypeAlias = tuple[str | None, ...]
"""One row's columns as Postgres reads them in text, in the order of `writer.PARTS`."""

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


class Event(NamedTuple):
    """One entry. The execution's own have no step; types other than STATE_TRANSITION have no states.

    `step_key` and `node_key` are the ids as JSON text, kept with the step so that each is encoded once.
    """

    sequence: int
    type: str
    step_id: str | None
    node_id: str | None
    step_key: JsonText
    node_key: JsonText
    attempt: int
    from_state: str | None
    event: str | None
    to_state: str | None
    due_at: datetime | None = None
    extra: JsonText | None = None


def next_state(scope: Scope, state: str, event: str) -> str:
    """The state after the event; raises InvalidTransition where the table has no such row."""
    try:
        return TRANSITIONS[scope, state, event]
    except KeyError:
        legal = sorted(e for s, f, e in TRANSITIONS if (s, f) == (scope, state))
        known = ", ".join(legal) or "none, it has ended"
        raise InvalidTransition(f"{event} is not legal for a {scope} that is {state}; legal are: {known}") from None


def next_sequence(newest: int) -> int:
    """The number of the entry after the newest; counts from 1 without gaps, for the lease has one holder."""
    return newest + 1


def record(entry: Event) -> Row:
    """The entry's row; its payload has the states for the plan's queries, and no payloads, since jsonb refuses some."""
    if entry.from_state is None:
        return str(entry.sequence), entry.type, None, entry.step_id, None, None, f"{{{entry.extra or ''}}}"
    due = f',"due_at":"{entry.due_at.isoformat()}"' if entry.due_at is not None else ""
    payload = f'{{"from_state":"{entry.from_state}","event":"{entry.event}","to_state":"{entry.to_state}"{due}}}'
    states = f"{entry.from_state} {entry.event} {entry.to_state}"
    if entry.step_id is None:
        return str(entry.sequence), entry.type, f"execution {states}", None, None, None, payload
    step = (entry.step_id, entry.node_id, str(entry.attempt))
    return str(entry.sequence), entry.type, f"step {states}", *step, payload


def signal_received(sequence: int, signal_id: str, name: str) -> Event:
    """The entry that says a signal was taken in; its payload stays out of it."""
    extra = f'"signal_id":{encode(signal_id)},"signal":{encode(name)}'
    return Event(sequence, "SIGNAL_RECEIVED", None, None, "", "", 0, None, None, None, extra=extra)
