"""SM: only legal transitions, and nothing leaves an end state. Pure; the table is the judge's own copy."""

from __future__ import annotations

from typing import Final

from cutover.harness.judge.checks import rows
from cutover.harness.judge.checks.base import ArmCheck, Sheet
from cutover.harness.judge.view import END_STATES, ArmView

__all__ = ["CHECK", "LEGAL"]

LEGAL: Final[frozenset[tuple[str, str, str, str]]] = frozenset(
    {
        ("execution", "pending", "START", "running"),
        ("execution", "pending", "CANCEL", "cancelled"),
        ("execution", "running", "COMPLETE", "completed"),
        ("execution", "running", "FAIL", "failed"),
        ("execution", "running", "CANCEL", "cancelled"),
        ("step", "pending", "START", "running"),
        ("step", "pending", "SKIP", "skipped"),
        ("step", "running", "COMPLETE", "completed"),
        ("step", "running", "FAIL", "failed"),
        ("step", "running", "RETRY", "retrying"),
        ("step", "running", "PAUSE", "paused"),
        ("step", "running", "CANCEL", "cancelled"),
        ("step", "retrying", "START", "running"),
        ("step", "retrying", "CANCEL", "cancelled"),
        ("step", "paused", "RESUME", "running"),
        ("step", "paused", "CANCEL", "cancelled"),
    }
)
"""(scope, from, event, to)."""


def _look(arm: ArmView, sheet: Sheet) -> None:
    if arm.record.journal is None:
        return
    sheet.saw(len(arm.transitions))
    for row in arm.transitions:
        if (row.scope, row.from_state, row.event, row.to_state) in LEGAL:
            continue
        who = f"step {row.step_id}" if row.step_id is not None else "the execution"
        why = "leaves an end state" if row.from_state in END_STATES else "is no legal transition"
        sheet.fault(
            f"event {row.sequence}: {who}: {row.from_state} -{row.event}-> {row.to_state} {why}",
            sequence=row.sequence,
            step_id=row.step_id,
        )
    _rows(arm, sheet)


def _rows(arm: ArmView, sheet: Sheet) -> None:
    """What the rows say in the end, which even an engine without a history must get right."""
    if arm.record.journal is None:
        return
    execution = arm.record.journal.execution
    sheet.saw(1 + len(arm.rows))
    if (execution.finished_at is not None) != arm.ended:
        sheet.fault(
            f"the execution is {execution.status}, finished at {execution.finished_at}", status=execution.status
        )
    open_steps = [row for row in arm.rows.values() if row.status not in END_STATES and row.status != "pending"]
    if arm.ended:
        for row in open_steps:
            sheet.fault(
                f"step {row.step_id} is {row.status} though the execution is {execution.status}", step_id=row.step_id
            )
    elif arm.record.failure is None and not any(row.status == "paused" for row in open_steps):
        sheet.fault(f"the execution is {execution.status}, but nothing is paused: it will never go on")
    for row in arm.rows.values():
        if row.status == "skipped" and row.attempt:
            sheet.fault(f"step {row.step_id} is skipped, yet has attempt {row.attempt}", step_id=row.step_id)
    rows.look(arm, sheet)


CHECK = ArmCheck(
    "SM", "every transition is legal, nothing leaves an end state, no ended execution has an open step", _look
)
