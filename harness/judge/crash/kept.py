"""ACK: what an engine acknowledged outlives every death, and is not done again. Pure.

Two memories outside the engine say what was acknowledged: what the harness read at one moment after another, and the
ledger, since an engine that calls a step has said by it that all which the step waits for is done.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from cutover.harness.judge.checks.base import Sheet
from cutover.harness.judge.crash.view import CaseView, call_in_flight
from cutover.harness.judge.reference.model import ExpectedStep
from cutover.harness.record.acknowledged import Acknowledged, acknowledged

__all__ = ["look_at_calls", "look_at_kept"]


def look_at_kept(case: CaseView, sheet: Sheet) -> None:
    """ACK: each moment has all that the one before it had: the execution, the steps that had ended, the events."""
    moments = case.record.acknowledged
    if not moments:
        return
    for before, after in pairwise((*moments, acknowledged(case.arm.record.journal, "the end"))):
        if not before.status:
            continue
        sheet.saw(1 + len(before.steps) + len(before.events))
        if not after.status:
            sheet.fault(f"the execution was there at {before.when}, and at {after.when} it was gone", when=before.when)
            return
        _compare(before, after, sheet)


def _compare(before: Acknowledged, after: Acknowledged, sheet: Sheet) -> None:
    for step_id, digest in before.steps.items():
        found = after.steps.get(step_id)
        if found is None:
            sheet.fault(
                f"step {step_id} had ended at {before.when}, and at {after.when} it had not",
                step_id=step_id,
                when=before.when,
            )
        elif found != digest:
            sheet.fault(
                f"step {step_id} had ended at {before.when}, and at {after.when} it had ended otherwise",
                step_id=step_id,
                when=before.when,
            )
    there = set(after.events)
    lost = [number for number, digest in enumerate(before.events, start=1) if digest not in there]
    if lost:
        sheet.fault(
            f"event {lost[0]} was there at {before.when}, and at {after.when} it was gone or another",
            event=lost[0],
            lost=len(lost),
        )


def look_at_calls(case: CaseView, sheet: Sheet) -> None:
    """ACK: a step is not called again once a step that waits for it has been called."""
    done: dict[str, str] = {}
    in_flight = call_in_flight(case.record)
    expected = case.arm.expected.steps
    sheet.saw(len(case.arm.record.ledger))
    for entry in case.arm.record.ledger:
        if entry.step_id in done and entry.sequence != in_flight:
            sheet.fault(
                f"step {entry.step_id} was called again, as call {entry.sequence}, though step {done[entry.step_id]}, "
                "which waits for it, had been called",
                step_id=entry.step_id,
                call=entry.sequence,
            )
        for needed in _behind(entry.step_id, expected):
            done.setdefault(needed, entry.step_id)


def _behind(step_id: str, expected: Mapping[str, ExpectedStep]) -> set[str]:
    """Returns all that must have ended before the step is called."""
    found: set[str] = set()
    pending = [step_id]
    for each in pending:
        waits = expected[each].waits.all_of if each in expected else frozenset[str]()
        pending += waits - found
        found |= waits
    return found
