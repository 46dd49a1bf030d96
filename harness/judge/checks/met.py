"""MET: the metrics rows agree with the ledger, in counts, retries, status, version and unit. Pure."""

from __future__ import annotations

from datetime import timedelta
from math import inf
from typing import Final

from cutover.engines.api import Journal, MetricRow, StepRow
from cutover.harness.judge.checks.base import ArmCheck, Sheet, outside
from cutover.harness.judge.findings import Verdict
from cutover.harness.judge.view import END_STATES, ArmView

__all__ = ["CHECK"]

_STATUS: Final = {"completed": "success", "failed": "failure", "cancelled": "cancelled"}
_LEAST_MS: Final = 0.001
"""No call to the world takes less than a microsecond; a shorter one was not measured in milliseconds."""
_LEAST_COMMIT_MS: Final = 0.01
"""No round trip to a database takes less than ten microseconds."""
_SLACK_MS: Final = 5.0
_MILLISECOND: Final = timedelta(milliseconds=1)


def _look(arm: ArmView, sheet: Sheet) -> None:
    journal = arm.record.journal
    if journal is None or (not journal.metrics and not journal.execution.version):
        return
    _steps(arm, sheet, journal)
    _columns(arm, sheet, journal)
    _commits(arm, sheet, journal)


def _steps(arm: ArmView, sheet: Sheet, journal: Journal) -> None:
    """Each ended activity step has its one metrics row, and no other step has any."""
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
            cut_off = step.status == "cancelled" and arm.record.kills  # its last attempt may never have been made
            _row(sheet, row, step, (step.attempt if cut_off else max(entry.attempt for entry in calls)) - 1)
            _unit(arm, sheet, row, step)
    for step_id in metrics:
        if arm.record.kills and step_id in arm.rows and arm.rows[step_id].status == "cancelled":
            continue  # it died before it asked
        sheet.saw()
        sheet.fault(f"step {step_id} has a metrics row, but no call in the ledger", step_id=step_id)


def _columns(arm: ArmView, sheet: Sheet, journal: Journal) -> None:
    version = journal.execution.metadata.get("orchestrator_version") or arm.record.engine
    for row in journal.metrics:
        if row.orchestrator_version != version:
            sheet.fault(
                f"step {row.step_id}: metric of version {row.orchestrator_version!r}, the execution is {version!r}"
            )
        if outside(journal.execution, row.recorded_at):
            sheet.fault(f"step {row.step_id}: its metric is of {row.recorded_at}, when the execution was not")


def _commits(arm: ArmView, sheet: Sheet, journal: Journal) -> None:
    """What checkpoints took is in milliseconds, fits into the arm's time, and is told of all but a command's first."""
    taken = [row.duration_ms for row in journal.checkpoints if row.duration_ms is not None]
    sheet.saw(len(taken))
    if taken and min(taken) < _LEAST_COMMIT_MS:
        sheet.fault(
            f"a checkpoint's duration_ms is {min(taken):g}: nothing is committed in less than {_LEAST_COMMIT_MS:g} "
            "milliseconds",
            duration_ms=min(taken),
        )
    if arm.record.kills:
        return
    if arm.record.companion is None and sum(taken) > arm.record.duration_ms + _SLACK_MS:
        sheet.fault(
            f"checkpoints took {sum(taken):g} milliseconds by their duration_ms, the arm {arm.record.duration_ms:g}",
            checkpoints_ms=sum(taken),
        )
    untold, commands = len(journal.checkpoints) - len(taken), 1 + arm.record.pauses
    if taken and untold > commands:
        sheet.fault(
            f"{untold} of {len(journal.checkpoints)} checkpoints have no duration_ms; only the first of each of "
            f"{commands} commands may",
            verdict=Verdict.INCONCLUSIVE,
            untold=untold,
        )


def _row(sheet: Sheet, row: MetricRow, step: StepRow, retries: int) -> None:
    if row.retry_count != retries:
        sheet.fault(f"step {row.step_id}: retry_count {row.retry_count}, the ledger has {retries}", step_id=row.step_id)
    if row.node_id != step.node_id:
        sheet.fault(
            f"step {row.step_id} is of node {step.node_id!r}, its metric of {row.node_id!r}", step_id=row.step_id
        )
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
