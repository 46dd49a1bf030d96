"""MET: the metrics rows agree with the ledger, in counts, retries, status, version and unit. Pure."""

from __future__ import annotations

from datetime import timedelta
from math import inf
from typing import Final

from engines.api import MetricRow, StepRow
from harness.judge.checks.base import ArmCheck, Sheet
from harness.judge.view import END_STATES, ArmView

__all__ = ["CHECK"]

_STATUS: Final = {"completed": "success", "failed": "failure", "cancelled": "cancelled"}
_LEAST_MS: Final = 0.001
"""No call to the world takes less than a microsecond; a shorter one was not measured in milliseconds."""
_SLACK_MS: Final = 5.0
_MILLISECOND: Final = timedelta(milliseconds=1)


def _look(arm: ArmView, sheet: Sheet) -> None:
    journal = arm.record.journal
    if journal is None or (not journal.metrics and not journal.execution.version):
        return
    metrics = {row.step_id: row for row in journal.metrics}
    if len(metrics) != len(journal.metrics):
        sheet.fault("a step has more than one metrics row", rows=len(journal.metrics), steps=len(metrics))
    for step_id, calls in arm.calls.items():
        step = arm.rows.get(step_id)
        if step is None or step.status not in END_STATES:
            continue
        sheet.saw()
        row = metrics.pop(step_id, None)
        if row is None:
            sheet.fault(f"step {step_id} has ended and has no metrics row", step_id=step_id)
        else:
            _row(sheet, row, step, max(entry.attempt for entry in calls) - 1)
            _unit(arm, sheet, row, step)
    version = journal.execution.metadata.get("orchestrator_version") or arm.record.engine
    for row in journal.metrics:
        if row.orchestrator_version != version:
            sheet.fault(
                f"step {row.step_id}: metric of version {row.orchestrator_version!r}, the execution is {version!r}"
            )
    for step_id in metrics:
        sheet.saw()
        sheet.fault(f"step {step_id} has a metrics row, but no call in the ledger", step_id=step_id)


def _row(sheet: Sheet, row: MetricRow, step: StepRow, retries: int) -> None:
    if row.retry_count != retries:
        sheet.fault(f"step {row.step_id}: retry_count {row.retry_count}, the ledger has {retries}", step_id=row.step_id)
    if row.status != _STATUS.get(step.status):
        sheet.fault(f"step {row.step_id} is {step.status}, its metric says {row.status}", step_id=row.step_id)


def _unit(arm: ArmView, sheet: Sheet, row: MetricRow, step: StepRow) -> None:
    """A duration in milliseconds fits into the time that the step, and the arm, really took.

    A companion's time is in the step's, but not in the arm's.
    """
    most = inf if arm.record.companion is not None else arm.record.duration_ms + _SLACK_MS
    if step.started_at is not None and step.finished_at is not None and not arm.record.kills:
        most = min(most, 1.5 * ((step.finished_at - step.started_at) / _MILLISECOND) + _SLACK_MS)
    if not _LEAST_MS <= row.duration_ms <= most:
        sheet.fault(
            f"step {row.step_id}: duration_ms {row.duration_ms:g} is not from {_LEAST_MS:g} to {most:g} milliseconds",
            step_id=row.step_id,
            duration_ms=row.duration_ms,
        )


CHECK = ArmCheck("MET", "metrics rows agree with the ledger in count, retries, status, version and unit", _look)
