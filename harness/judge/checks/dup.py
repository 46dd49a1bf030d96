"""DUP: nothing happens twice. Pure; the ledger decides, never the journal."""

from __future__ import annotations

from collections import Counter

from cutover.harness.judge.checks.base import ArmCheck, Sheet
from cutover.harness.judge.findings import Verdict
from cutover.harness.judge.view import ArmView

__all__ = ["CHECK"]


def _look(arm: ArmView, sheet: Sheet) -> None:
    for step_id in arm.record.untold:
        sheet.fault(
            f"step {step_id}: called again, and whether it had ended by then could not be read",
            verdict=Verdict.INCONCLUSIVE,
            step_id=step_id,
        )
    for step_id, calls in arm.calls.items():
        sheet.saw(len(calls))
        if len(calls) == 1 and not calls[0].after_completion:
            continue
        applied = [entry.sequence for entry in calls if entry.effect == "applied"]
        if len(applied) > 1:
            sheet.count("duplicate_effects", len(applied) - 1)
            sheet.fault(
                f"step {step_id}: its effect was applied {len(applied)} times",
                step_id=step_id,
                first_call=applied[0],
                second_call=applied[1],
            )
        late = [entry.sequence for entry in calls if entry.after_completion]
        if late:
            sheet.count("duplicate_steps", len(late))
            sheet.fault(
                f"step {step_id}: called again, as call {late[0]}, after its completion was committed",
                step_id=step_id,
                call=late[0],
            )
        tries = Counter((entry.attempt, entry.idempotency_key) for entry in calls if not entry.after_completion)
        again = sum(count - 1 for count in tries.values())
        if again:
            sheet.count("redeliveries", again)
            if not arm.record.kills:
                attempt = next(key[0] for key, count in tries.items() if count > 1)
                sheet.fault(
                    f"step {step_id}: attempt {attempt} was called {again + 1} times though nothing died",
                    step_id=step_id,
                    attempt=attempt,
                )


CHECK = ArmCheck("DUP", "no effect is applied twice, and no step is called again after its completion", _look)
