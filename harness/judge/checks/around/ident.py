"""IDENT: an execution calls in its own name, and keeps what its request said of it. Pure.

That no idempotency key serves two steps in the whole run is told by `cutover.harness.judge.identity`.
"""

from __future__ import annotations

from cutover.harness.judge.checks.base import ArmCheck, Sheet
from cutover.harness.judge.view import ArmView

__all__ = ["CHECK", "HOLDS_WHEN"]

HOLDS_WHEN = "every call names its own execution, every step has a key of its own, and a request's metadata is kept"


def _look(arm: ArmView, sheet: Sheet) -> None:
    own = arm.record.execution_id
    for entry in arm.record.ledger:
        if entry.execution_id is None:
            continue
        sheet.saw()
        if entry.execution_id != own:
            sheet.fault(
                f"step {entry.step_id} is asked for in the name of execution {entry.execution_id}",
                step_id=entry.step_id,
                call=entry.sequence,
                execution_id=str(entry.execution_id),
            )
    journal = arm.record.journal
    if journal is None:
        return
    kept = journal.execution.metadata
    for name, value in arm.record.metadata.items():
        sheet.saw()
        if kept.get(name) != value:
            sheet.fault(f"the request's metadata {name!r} is {kept.get(name)!r} in the execution's row", name=name)


CHECK = ArmCheck("IDENT", HOLDS_WHEN, _look)
