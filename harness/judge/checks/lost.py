"""LOST: nothing is lost and nothing unexpected is asked for, ledger against journal and reference. Pure."""

from __future__ import annotations

from harness.judge.checks.base import ArmCheck, Sheet
from harness.judge.view import ArmView

__all__ = ["CHECK"]


def _look(arm: ArmView, sheet: Sheet) -> None:
    expected = arm.expected
    if expected.refused is not None or arm.record.journal is None:
        return
    effectful = {effect.step_id for effect in expected.outcome.effects}
    completed = arm.record.journal.execution.status == "completed"
    for step_id, step in expected.steps.items():
        if not step.attempts:
            continue
        sheet.saw()
        calls = arm.calls.get(step_id, ())
        row = arm.rows.get(step_id)
        called_complete = row is not None and row.status == "completed"
        if not calls:
            if called_complete or (completed and step_id not in expected.optional):
                sheet.fault(f"step {step_id} counts as done, but the world was never asked", step_id=step_id)
        elif step_id in effectful and called_complete and all(entry.effect == "none" for entry in calls):
            sheet.fault(f"step {step_id} is completed, but the ledger has no effect of it", step_id=step_id)
    for step_id, calls in arm.calls.items():
        if step_id not in expected.steps or not expected.steps[step_id].attempts:
            sheet.saw()
            sheet.fault(f"step {step_id} was called, but must not run", step_id=step_id, call=calls[0].sequence)
        elif not calls[-1].planned:
            sheet.saw()
            sheet.fault(f"step {step_id} made a call that the scenario does not plan", step_id=step_id)


CHECK = ArmCheck("LOST", "every completed step has its effect in the ledger, and no other step was called", _look)
