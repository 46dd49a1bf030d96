"""IDEM: resuming and executing again changes no row and calls no activity. Pure."""

from __future__ import annotations

from cutover.harness.judge.checks.base import ArmCheck, Sheet
from cutover.harness.judge.view import ArmView

__all__ = ["CHECK"]


def _look(arm: ArmView, sheet: Sheet) -> None:
    again = arm.record.again
    if again is None:
        return
    sheet.saw()
    if again.failure is not None:
        sheet.fault(f"once more: {again.failure.kind}, {again.failure.type}: {again.failure.message}")
    if again.calls:
        sheet.fault(f"once more: {again.calls} calls to the world", calls=again.calls)
    if again.rows_changed:
        sheet.fault("once more: rows have changed", rows_changed=True)


CHECK = ArmCheck("IDEM", "resuming and executing again changes no row and calls no activity", _look)
