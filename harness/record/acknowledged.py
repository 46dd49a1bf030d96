"""What an engine, or its Postgres, had acknowledged of an execution, remembered outside of both. Pure.

It is small: digests tell whether what was there is still the same, which is all that a check asks.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from cutover.engines.api import EventRow, Journal, StepRow

__all__ = ["Acknowledged", "acknowledged"]

_ENDED: Final = frozenset({"completed", "failed", "skipped", "cancelled"})
_DIGITS: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    """What was committed at one moment: `when` in words, `calls` the number of activity calls served until then.

    `status` is the execution's, empty where nothing of it was there. `steps` has a digest of every step that had ended,
    by its id, and `events` one of every event, in order.
    """

    when: str
    calls: int = 0
    status: str = ""
    steps: Mapping[str, str] = field(default_factory=dict)
    events: tuple[str, ...] = ()


def acknowledged(journal: Journal | None, when: str, calls: int = 0) -> Acknowledged:
    """Returns what a journal shows to be committed, None being nothing at all."""
    if journal is None:
        return Acknowledged(when=when, calls=calls)
    return Acknowledged(
        when=when,
        calls=calls,
        status=journal.execution.status,
        steps={step.step_id: _step(step) for step in journal.steps if step.status in _ENDED},
        events=tuple(_event(event) for event in journal.events),
    )


def _step(step: StepRow) -> str:
    return _digest(step.status, step.attempt, step.output, step.ports, step.error)


def _event(event: EventRow) -> str:
    what = (event.from_state, event.event, event.to_state)
    return _digest(event.sequence, event.type, event.step_id, what, event.attempt, event.payload)


def _digest(*values: object) -> str:
    return hashlib.sha256(json.dumps(values).encode("ascii")).hexdigest()[:_DIGITS]
