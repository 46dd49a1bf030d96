"""DATA: payloads come back exactly, to the type and the last digit, or are clearly refused. Pure."""

from __future__ import annotations

from cutover.engines.api import JsonText
from cutover.harness.judge.checks.base import ArmCheck, Sheet
from cutover.harness.judge.outcomes.diff import diff_texts
from cutover.harness.judge.outcomes.outcome import is_refusal
from cutover.harness.judge.view import ArmView

__all__ = ["CHECK"]


def _look(arm: ArmView, sheet: Sheet) -> None:
    if is_refusal(arm.record) or arm.expected.refused is not None:
        _refusal(arm, sheet)
        return
    journal = arm.record.journal
    if journal is None:
        return
    _same(sheet, "the execution's input", sheet.trial.prepared.input, journal.execution.input)
    for step_id, calls in arm.calls.items():
        step = arm.expected.steps.get(step_id)
        row = arm.rows.get(step_id)
        for entry in calls:
            if step is not None and step.input is not None:
                _same(sheet, "what step {} asked the world with", step.input, entry.input, step_id)
            if row is not None:
                _same(sheet, "step {}'s input, journal against ledger,", entry.input, row.input, step_id)
        if row is None or row.status != "completed":
            continue
        answer = next((entry.output for entry in reversed(calls) if entry.status == "ok"), None)
        if answer is not None:
            _same(sheet, "step {}'s output, journal against ledger,", answer, row.output, step_id)


def _refusal(arm: ArmView, sheet: Sheet) -> None:
    refused = arm.expected.refused
    sheet.saw()
    if refused is None and arm.record.failure is not None:
        sheet.fault(f"a payload that JSON carries was refused: {arm.record.failure.message}")
    elif refused is not None and arm.differences:
        sheet.fault(f"a payload that JSON cannot carry was not refused: {refused}")


def _same(sheet: Sheet, what: str, left: JsonText | None, right: JsonText | None, step_id: str | None = None) -> None:
    """Holds every difference against the arm; `what` has a place for the step's id."""
    sheet.examined += 1
    if left == right:
        return
    told = what.replace("{}", step_id or "")
    for difference in diff_texts(left, right, ""):
        sheet.fault(
            f"{told} differs at {difference.path or 'its root'}: {difference.right} instead of {difference.left}",
            step_id=step_id,
            path=difference.path,
            kind=difference.kind,
            expected=difference.left,
            found=difference.right,
        )


CHECK = ArmCheck("DATA", "payloads come back exactly, or are clearly refused", _look)
