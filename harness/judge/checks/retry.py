"""RETRY: attempts and delays are what the policy says; what may not be retried is not. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise

from cutover.harness.judge.checks.base import ArmCheck, Sheet
from cutover.harness.judge.reference.model import ExpectedStep
from cutover.harness.judge.view import ArmView
from cutover.harness.record.trials import LedgerEntry

__all__ = ["CHECK"]

_SLACK_MS = 1.0
"""Clocks and deadlines are kept to the microsecond, delays may have fractions."""
_MILLISECOND = timedelta(milliseconds=1)


def _look(arm: ArmView, sheet: Sheet) -> None:
    if arm.expected.refused is not None:
        return
    for step_id, step in arm.expected.steps.items():
        calls = arm.calls.get(step_id)
        if not step.attempts or not calls:
            continue
        sheet.saw()
        sheet.count("attempts", len(calls))
        _attempts(arm, sheet, step, calls)
        if len(calls) > 1:
            _final(sheet, step, calls)
            _delays(arm, sheet, step, calls)


def _attempts(arm: ArmView, sheet: Sheet, step: ExpectedStep, calls: Sequence[LedgerEntry]) -> None:
    numbers = {entry.attempt for entry in calls}
    most = max(numbers)
    if len(numbers) != most or min(numbers) != 1:
        sheet.fault(f"step {step.step_id}: attempts {sorted(numbers)} are not counted from 1", step_id=step.step_id)
    if most > step.attempts or (most < step.attempts and step.step_id not in arm.expected.optional):
        sheet.fault(
            f"step {step.step_id}: {most} attempts, the policy makes {step.attempts}",
            step_id=step.step_id,
            attempts=most,
            expected=step.attempts,
        )
    _never_back(sheet, step, calls)
    _never_anew(arm, sheet, step, calls)
    row = arm.rows.get(step.step_id)
    if row is not None and row.attempt != most:
        sheet.fault(
            f"step {step.step_id}: its row says attempt {row.attempt}, the ledger {most}",
            step_id=step.step_id,
            row=row.attempt,
            ledger=most,
        )


def _never_back(sheet: Sheet, step: ExpectedStep, calls: Sequence[LedgerEntry]) -> None:
    """The count is never begun anew. A last call with an earlier attempt is that of a worker that woke up too late."""
    newest = 0
    for before, after in pairwise(calls):
        newest = max(newest, before.attempt)
        if before.attempt < newest and after.attempt > before.attempt:
            sheet.fault(
                f"step {step.step_id}: attempts are counted from {before.attempt} again after attempt {newest}",
                step_id=step.step_id,
                call=before.sequence,
                newest=newest,
            )
            return


def _never_anew(arm: ArmView, sheet: Sheet, step: ExpectedStep, calls: Sequence[LedgerEntry]) -> None:
    """An attempt that has failed is over: only one whose end may have been lost with a worker is made once more."""
    failures = Counter(entry.attempt for entry in calls if entry.status != "ok")
    for attempt, made in failures.items():
        if made > 1 + arm.record.kills:
            sheet.fault(
                f"step {step.step_id}: attempt {attempt} was made and failed {made} times; deaths: {arm.record.kills}",
                step_id=step.step_id,
                attempt=attempt,
                made=made,
            )


def _final(sheet: Sheet, step: ExpectedStep, calls: Sequence[LedgerEntry]) -> None:
    """No attempt follows a success, or an error that is not retryable."""
    for before, after in pairwise(calls):
        if after.attempt <= before.attempt:
            continue
        if before.status == "ok":
            sheet.fault(f"step {step.step_id}: retried after a success", step_id=step.step_id, call=after.sequence)
        elif not before.retryable:
            sheet.fault(
                f"step {step.step_id}: retried though {before.error!r} is not retryable",
                step_id=step.step_id,
                call=after.sequence,
            )


def _delays(arm: ArmView, sheet: Sheet, step: ExpectedStep, calls: Sequence[LedgerEntry]) -> None:
    """Never too early after the failure; never too late either, unless another step's call or a death came between."""
    for before, after in pairwise(calls):
        k = before.attempt - 1
        if after.attempt != before.attempt + 1 or k >= len(step.delays_ms):
            continue
        least, most = step.delays_ms[k]
        waited = (after.at - before.answered_at) / _MILLISECOND
        alone = after.sequence == before.sequence + 1 and not arm.record.kills
        sheet.saw()
        if waited < least - _SLACK_MS or (alone and waited > most + _SLACK_MS):
            sheet.fault(
                f"step {step.step_id}: {waited:g} ms before attempt {after.attempt}, not {least:g} to {most:g}",
                step_id=step.step_id,
                attempt=after.attempt,
                waited_ms=waited,
                least_ms=least,
                most_ms=most,
            )


CHECK = ArmCheck("RETRY", "attempts and delays are what the policy says, and what may not be retried is not", _look)
