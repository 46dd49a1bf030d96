"""LOST: nothing is lost and nothing unexpected is asked for, ledger against journal and reference. Pure.

The world of a trial serves one execution, that of production all of them: a key which two executions share would
have the second one's effect taken for done.
"""

from __future__ import annotations

from cutover.harness.judge.checks.base import ArmCheck, Sheet
from cutover.harness.judge.view import ArmView

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
    _own_keys(arm, sheet)


def _own_keys(arm: ArmView, sheet: Sheet) -> None:
    """No idempotency key is one that the trial's other executions use."""
    others = {
        entry.idempotency_key
        for other in sheet.trial.arms.values()
        if other.record.execution_id != arm.record.execution_id
        for entry in other.record.ledger
    }
    for entry in arm.record.ledger:
        if entry.idempotency_key is not None and entry.idempotency_key in others:
            sheet.fault(
                f"step {entry.step_id} asks with the key {entry.idempotency_key!r}, and so does another execution: "
                "its effect would be taken for done",
                step_id=entry.step_id,
                call=entry.sequence,
            )


CHECK = ArmCheck("LOST", "every completed step has its effect in the ledger, and no other step was called", _look)
