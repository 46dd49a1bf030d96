"""The event history: every transition as one entry with a dense sequence. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from cutover.engines.api import JsonText
from cutover.engines.payloads import encode
from cutover.engines.v2.statement import Row

__all__ = ["Event", "next_sequence", "record", "signal_received"]


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
