"""What must be durable at the moment of a crash: nothing that was completed is done again, nothing runs ahead. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from cutover.harness.judge.checks.base import Sheet
from cutover.harness.judge.crash.kept import look_at_calls
from cutover.harness.judge.crash.view import CaseView
from cutover.harness.judge.view import END_STATES
from cutover.harness.record.cases import Way
from cutover.harness.record.trials import LedgerEntry

__all__ = ["DURABLE_CHECKS"]


def _not_again(case: CaseView, sheet: Sheet) -> None:
    """DUP: no other worker calls a step that was completed at the crash, whatever the journal says of it later.

    The world asks the journal at each call; an engine that forgets a completion before it calls again deceives it.
    """
    before = case.record.at_crash
    done = {step.step_id for step in before.steps if step.status == "completed"} if before is not None else set()
    for entry in _calls(case, lambda worker: worker > 1):
        sheet.saw()
        if entry.step_id in done and not entry.after_completion:
            sheet.count("duplicate_steps")
            sheet.fault(
                f"step {entry.step_id} was completed at the crash and called again, as call {entry.sequence}",
                step_id=entry.step_id,
                call=entry.sequence,
            )


def _not_ahead(case: CaseView, sheet: Sheet) -> None:
    """CKPT: when a step is called, the end of all that it waits for is durable: a crash then finds it."""
    if not any(command.ended == "killed" for command in case.record.commands[:1]):
        return
    before = case.record.at_crash
    ended = {step.step_id for step in before.steps if step.status in END_STATES} if before is not None else set()
    first = {call for command in case.record.commands[:1] for call in command.calls}
    for entry in case.arm.record.ledger:
        step = case.arm.expected.steps.get(entry.step_id)
        if entry.sequence not in first or step is None:
            continue
        sheet.saw()
        for needed in sorted(set(step.waits.all_of) - ended):
            sheet.fault(
                f"step {entry.step_id} was called, and the crash found no end of step {needed}, which it waits for",
                step_id=entry.step_id,
                waits_for=needed,
            )


def _kept(case: CaseView, sheet: Sheet) -> None:
    """CONC: whoever is at work keeps the execution, however long an activity takes."""
    if case.record.case.way is not Way.LAPSE:
        return
    for command in case.record.commands:
        if command.worker == 1:
            continue
        sheet.saw()
        if command.calls:
            sheet.fault(
                f"worker {command.worker} took the execution over while worker 1 was inside an activity",
                worker=command.worker,
                call=command.calls[0],
            )


def _accounted(case: CaseView, sheet: Sheet) -> None:
    """META: the ledger has every call that was served, whoever died then; nothing has taken any of it back."""
    served = [moment for moment in case.record.moments if moment.what == "effect"]
    ledger = [entry.sequence for entry in case.arm.record.ledger]
    sheet.saw(1 + len(served))
    if case.record.moments and len(served) != len(ledger):
        sheet.fault(
            f"{len(served)} calls were served and the ledger has {len(ledger)}", served=len(served), ledger=len(ledger)
        )
    elif ledger != list(range(1, len(ledger) + 1)):
        sheet.fault("the ledger's entries are not counted from 1", ledger=len(ledger))


def _calls(case: CaseView, of: Callable[[int], bool]) -> Iterator[LedgerEntry]:
    theirs = {call for command in case.record.commands if of(command.worker) for call in command.calls}
    return (entry for entry in case.arm.record.ledger if entry.sequence in theirs)


DURABLE_CHECKS: Final[tuple[tuple[str, Callable[[CaseView, Sheet], None]], ...]] = (
    ("DUP", _not_again),
    ("ACK", look_at_calls),
    ("CKPT", _not_ahead),
    ("CONC", _kept),
    ("META", _accounted),
)
"""Beside the checks of the same ids that look at whole arms."""
