"""EVT: the event history is whole, and says what the rows say. Pure."""

from __future__ import annotations

from engines.api import EventRow, Journal
from harness.judge.checks.base import ArmCheck, Sheet, parsed_object
from harness.judge.view import END_STATES, ArmView

__all__ = ["CHECK"]


def _look(arm: ArmView, sheet: Sheet) -> None:
    journal = arm.record.journal
    if journal is None:
        return
    if not journal.events:
        if journal.execution.version or journal.checkpoints:
            sheet.saw()
            sheet.fault("the execution has checkpoints but no event")
        return
    sheet.saw(len(journal.events) + len(journal.steps) + 1)
    for place, row in enumerate(journal.events, 1):
        if row.sequence != place:
            sheet.fault(f"event {place} has the sequence {row.sequence}", sequence=row.sequence, place=place)
            break
    states = _fold(arm, sheet)
    _end(arm, sheet, journal)
    _rows(sheet, journal, states)


def _fold(arm: ArmView, sheet: Sheet) -> dict[str | None, EventRow]:
    """The last transition of each subject (None for the execution), every one checked against the one before it."""
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
        payload = parsed_object(row.payload) or {}
        for name, value in (("from_state", row.from_state), ("to_state", row.to_state), ("event", row.event)):
            if payload.get(name) != value:
                sheet.fault(
                    f"event {row.sequence}: its payload has {name} {payload.get(name)!r}, its column {value!r}",
                    sequence=row.sequence,
                )
        last[row.step_id] = row
    return last


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
    for step_id in states:
        sheet.fault(f"step {step_id} has events but no row", step_id=step_id)


def _who(row: EventRow) -> str:
    return "the execution" if row.step_id is None else f"step {row.step_id}"


CHECK = ArmCheck(
    "EVT",
    "events are dense from 1, chain from state to state, end once and last, and their fold is what the rows say",
    _look,
)
