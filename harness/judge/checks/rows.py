"""What the rows of an execution and its steps say for good: whose they are, when they began and ended, why. Pure.

The dashboards read these columns, and no outcome shows them.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from cutover.engines.api import ExecutionRow
from cutover.harness.judge.checks.base import Sheet
from cutover.harness.judge.view import END_STATES, ArmView

__all__ = ["look", "outside"]

_CLOCKS: Final = timedelta(minutes=1)
"""How far the clocks of an engine and its database may differ."""


def look(arm: ArmView, sheet: Sheet) -> None:
    """Holds against the arm what its rows cannot rightly say; part of check SM."""
    journal = arm.record.journal
    if journal is None:
        return
    execution, meant = journal.execution, sheet.trial.trial.scenario.workflow.id
    if execution.workflow_id != meant:
        sheet.fault(f"the execution is of workflow {execution.workflow_id!r}, not of {meant!r}")
    if execution.status == "failed" and not execution.error:
        sheet.fault("the execution has failed, and its row does not say why")
    _in_order(sheet, "the execution", execution.created_at, execution.started_at, execution.finished_at)
    for row in arm.rows.values():
        who, step = f"step {row.step_id}", arm.expected.steps.get(row.step_id)
        if step is not None and row.node_id != step.node_id:
            sheet.fault(f"{who} is of node {row.node_id!r}, not of {step.node_id!r}", step_id=row.step_id)
        if (row.finished_at is not None) != (row.status in END_STATES):
            sheet.fault(f"{who} is {row.status}, finished at {row.finished_at}", step_id=row.step_id)
        if row.attempt and row.started_at is None:
            sheet.fault(f"{who} has attempt {row.attempt} and no time at which it started", step_id=row.step_id)
        _in_order(sheet, who, row.started_at, row.finished_at)


def outside(execution: ExecutionRow, at: datetime) -> bool:
    """Whether a time of the engine's rows lies outside the execution's life, by more than clocks may differ."""
    ended = execution.finished_at
    return at < execution.created_at - _CLOCKS or (ended is not None and at > ended + _CLOCKS)


def _in_order(sheet: Sheet, who: str, *times: datetime | None) -> None:
    known = [at for at in times if at is not None]
    for before, after in pairwise(known):
        if after < before:
            sheet.fault(f"{who} has times that run backwards: {after} comes after {before}")
