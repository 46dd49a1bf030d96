"""How long a timer runs across crashes, by the ledger: no wait ends early, and no backoff begins anew. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from cutover.harness.judge.checks.base import Sheet
from cutover.harness.judge.crash.view import CaseView
from cutover.harness.judge.reference.model import ExpectedStep
from cutover.harness.record.instants import LATEST, later
from cutover.harness.record.trials import LedgerEntry

__all__ = ["TIME_CHECKS"]

_SLACK: Final = timedelta(milliseconds=1)
"""Clocks and deadlines are kept to the microsecond, delays may have fractions."""


def _not_early(case: CaseView, sheet: Sheet) -> None:
    """TIME: a wait's deadline lies its whole time after the last call that it waits for.

    Nobody but the engine knows when the wait began; that call is the latest moment that the ledger knows before it,
    else it is the beginning of the case.
    """
    journal = case.arm.record.journal
    expected = case.arm.expected.steps
    for timer in journal.timers if journal is not None and case.arm.expected.refused is None else ():
        step = expected.get(timer.step_id)
        if timer.kind != "wait" or step is None or step.timeout_ms is None:
            continue
        before = _behind(step, expected, case.arm.calls) or case.record.clock_began_at
        if before is None or later(before, step.timeout_ms) == LATEST:
            continue
        sheet.saw()
        missing = later(before, step.timeout_ms) - timer.due_at
        if missing > _SLACK:
            sheet.fault(
                f"the timer of step {timer.step_id} is due {missing.total_seconds():g} s before its time",
                step_id=timer.step_id,
                timeout_ms=step.timeout_ms,
            )


def _not_over_early(case: CaseView, sheet: Sheet) -> None:
    """TIME: what follows a wait that its timer ended is not asked for before the wait's whole time has passed."""
    expected, calls = case.arm.expected.steps, case.arm.calls
    began = case.record.clock_began_at
    for step_id, step in expected.items() if began is not None else ():
        first = calls[step_id][0].at if step_id in calls else None
        for wait_id in step.waits.all_of if first is not None else ():
            wait = expected.get(wait_id)
            if wait is None or wait.timeout_ms is None or wait.woken_by != "timer":
                continue
            before = _behind(wait, expected, calls) or began
            if before is None or first is None:
                continue
            sheet.saw()
            missing = later(before, wait.timeout_ms) - first
            if missing > _SLACK:
                sheet.fault(
                    f"step {step_id} is asked for {missing.total_seconds():g} s before wait {wait_id} is over",
                    step_id=step_id,
                    wait=wait_id,
                )


def _behind(
    step: ExpectedStep, expected: Mapping[str, ExpectedStep], calls: Mapping[str, Sequence[LedgerEntry]]
) -> datetime | None:
    """Returns when the world was last asked for something that the step must wait for; None where it never was."""
    found: list[datetime] = []
    pending, seen = list(step.waits.all_of), set(step.waits.all_of)
    for step_id in pending:
        entries = calls.get(step_id, ())
        found += [entry.at for entry in entries if entry.status == "ok"][:1] or [entry.at for entry in entries[:1]]
        further = expected[step_id].waits.all_of - seen if step_id in expected else frozenset[str]()
        seen |= further
        pending += further
    return max(found, default=None)


def _not_anew(case: CaseView, sheet: Sheet) -> None:
    """TIME: between two attempts lie the policy's delay and what the crashes took, and no second delay."""
    shift = timedelta(milliseconds=case.record.clock_shift_ms)
    for step_id, calls in case.arm.calls.items():
        step = case.arm.expected.steps.get(step_id)
        for before, after in pairwise(calls):
            k = before.attempt - 1
            alone = after.sequence == before.sequence + 1 and after.attempt == before.attempt + 1
            if step is None or not alone or k >= len(step.delays_ms):
                continue
            sheet.saw()
            late = after.at - before.answered_at - timedelta(milliseconds=step.delays_ms[k][1]) - shift
            if late > _SLACK:
                sheet.fault(
                    f"step {step_id}: attempt {after.attempt} comes {late.total_seconds():g} s after its time",
                    step_id=step_id,
                    attempt=after.attempt,
                )


TIME_CHECKS: Final[tuple[tuple[str, Callable[[CaseView, Sheet], None]], ...]] = (
    ("TIME", _not_early),
    ("TIME", _not_over_early),
    ("TIME", _not_anew),
)
"""Beside the check of the same id that looks at the timers' rows."""
