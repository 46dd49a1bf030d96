"""EVT: the event history is whole, and says what the rows say. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Final

from cutover.engines.api import EventRow, Journal, JsonText
from cutover.harness.judge.checks.base import ArmCheck, Sheet, outside, parsed_object
from cutover.harness.judge.findings import Verdict
from cutover.harness.judge.view import END_STATES, ArmView
from cutover.harness.record.trials import role

__all__ = ["CHECK"]

_COLUMNS = ("from_state", "to_state", "event")
_SHORT = 1_000
"""Characters of a payload that is worth remembering."""
_SETS: Final[Mapping[str, str]] = {"paused": "wait", "retrying": "retry"}
"""Which kind of timer a transition sets, by the state that it leads to."""
_BACKWARDS: Final = timedelta(seconds=1)
"""How far an event may lie before the one that it follows: a clock may be set."""


def _look(arm: ArmView, sheet: Sheet) -> None:
    journal = arm.record.journal
    if journal is None:
        return
    if not journal.events:
        if journal.execution.version or journal.checkpoints:
            sheet.saw()
            sheet.fault("the execution has checkpoints but no event")
        elif role(arm.name) == "candidate" and not arm.record.kills:  # of crash cases rows and ledger tell enough
            sheet.fault("the engine keeps no event of this execution", verdict=Verdict.INCONCLUSIVE)
        return
    sheet.saw(len(journal.events) + len(journal.steps) + 1)
    for place, row in enumerate(journal.events, 1):
        if row.sequence != place:
            sheet.fault(f"event {place} has the sequence {row.sequence}", sequence=row.sequence, place=place)
            break
    states = _fold(arm, sheet)
    _end(arm, sheet, journal)
    _rows(sheet, journal, states)
    _current(arm, sheet, journal)
    _times(sheet, journal)
    _deadlines(arm, sheet, journal)


def _fold(arm: ArmView, sheet: Sheet) -> dict[str | None, EventRow]:
    """Returns the last transition of each subject (None for the execution); each is checked against the one before."""
    last: dict[str | None, EventRow] = {}
    for row in arm.transitions:
        before = last.get(row.step_id)
        stood = "pending" if before is None else before.to_state
        if row.from_state != stood:
            sheet.fault(
                f"event {row.sequence}: {_who(row)} goes from {row.from_state}, but stood at {stood}",
                sequence=row.sequence,
                step_id=row.step_id,
            )
        told, columns = _told(row.payload), (row.from_state, row.to_state, row.event)
        if told != columns:
            for name, said, value in zip(_COLUMNS, told, columns, strict=True):
                if said != value:
                    sheet.fault(
                        f"event {row.sequence}: its payload has {name} {said!r}, its column {value!r}",
                        sequence=row.sequence,
                    )
        last[row.step_id] = row
    return last


def _told(payload: JsonText) -> tuple[object, ...]:
    """Returns what a payload says of its columns; arms of one scenario say the same, so short texts are remembered."""
    return _read(payload) if len(payload) < _SHORT else _read.__wrapped__(payload)


@lru_cache(maxsize=16_384)
def _read(payload: JsonText) -> tuple[object, ...]:
    said = parsed_object(payload) or {}
    return tuple([said.get(name) for name in _COLUMNS])


def _end(arm: ArmView, sheet: Sheet, journal: Journal) -> None:
    """One end event where the execution has ended, none where it has not, and no transition after it."""
    ends = [row for row in arm.transitions if row.step_id is None and row.to_state in END_STATES]
    if len(ends) != int(arm.ended):
        sheet.fault(f"the execution is {journal.execution.status} and has {len(ends)} end events", ends=len(ends))
    elif ends and arm.transitions[-1] is not ends[0]:
        after = arm.transitions[-1]
        sheet.fault(f"event {after.sequence}: {_who(after)} changes after the execution's end", sequence=after.sequence)


def _rows(sheet: Sheet, journal: Journal, states: dict[str | None, EventRow]) -> None:
    """Every change has its event, and the reverse."""
    execution = states.pop(None, None)
    stood = "pending" if execution is None else execution.to_state
    if stood != journal.execution.status:
        sheet.fault(f"the execution's row says {journal.execution.status}, its events say {stood}")
    for row in journal.steps:
        event = states.pop(row.step_id, None)
        stood = "pending" if event is None else event.to_state
        if stood != row.status:
            sheet.fault(f"step {row.step_id}: its row says {row.status}, its events say {stood}", step_id=row.step_id)
        elif event is not None and event.attempt is not None and event.attempt != row.attempt:
            sheet.fault(
                f"step {row.step_id}: its row says attempt {row.attempt}, its events say {event.attempt}",
                step_id=row.step_id,
            )
        if event is not None and event.node_id != row.node_id:
            sheet.fault(
                f"step {row.step_id}: its row is of node {row.node_id!r}, its events of {event.node_id!r}",
                step_id=row.step_id,
            )
    for step_id in states:
        sheet.fault(f"step {step_id} has events but no row", step_id=step_id)


def _current(arm: ArmView, sheet: Sheet, journal: Journal) -> None:
    """The node that the row calls the current one is that of the last beginning, or has changed since, or is open."""
    current = journal.execution.current_node_id
    recent: set[str | None] = {row.node_id for row in journal.steps if row.status not in END_STATES}
    for row in reversed(arm.transitions):
        recent.add(row.node_id)
        if row.step_id is not None and row.to_state == "running":
            if current is not None and current not in recent:
                sheet.fault(f"the execution's row is at node {current!r}, its events have gone on to {row.node_id!r}")
            return


def _times(sheet: Sheet, journal: Journal) -> None:
    """Events lie in the execution's life and follow each other: the dashboards look at the last 24 hours."""
    for row in journal.events:
        if outside(journal.execution, row.at):
            sheet.fault(f"event {row.sequence} is of {row.at}, when the execution was not", sequence=row.sequence)
            break
    for before, after in pairwise(journal.events):
        if after.at < before.at - _BACKWARDS:
            sheet.fault(
                f"event {after.sequence} is of {after.at}, before the one that it follows", sequence=after.sequence
            )
            break


def _deadlines(arm: ArmView, sheet: Sheet, journal: Journal) -> None:
    """The payload of an event that sets a timer says when it is up, as the timer's row does."""
    timers: dict[tuple[str, str, int], datetime] = {
        (timer.step_id, timer.kind, timer.attempt): timer.due_at for timer in journal.timers
    }
    if not timers:
        return
    for row in arm.transitions:
        key = _SETS.get(row.to_state or "")
        if row.step_id is None or row.attempt is None or key is None:
            continue
        due_at = timers.get((row.step_id, key, row.attempt + (key == "retry")))
        if due_at is None:
            continue
        sheet.saw()
        said = (parsed_object(row.payload) or {}).get("due_at")
        if _instant(said) != due_at:
            sheet.fault(
                f"event {row.sequence}: {_who(row)} has a timer that is up at {due_at.isoformat()}, its payload has "
                f"due_at {said!r}",
                sequence=row.sequence,
            )
            return


def _instant(said: object) -> datetime | None:
    try:
        return datetime.fromisoformat(said) if isinstance(said, str) else None
    except ValueError:
        return None


def _who(row: EventRow) -> str:
    return "the execution" if row.step_id is None else f"step {row.step_id}"


CHECK = ArmCheck(
    "EVT",
    "events are dense from 1, chain from state to state, end once and last, and their fold is what the rows say",
    _look,
)
