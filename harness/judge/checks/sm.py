"""SM: only legal transitions, and nothing leaves an end state. Pure; the table is the judge's own copy."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from itertools import pairwise
from typing import Final

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


_WITHOUT_ERROR: Final = frozenset({"completed", "skipped"})


def _look(arm: ArmView, sheet: Sheet) -> None:
    if arm.record.journal is None:
        return
    sheet.saw(len(arm.transitions))
    for row in arm.transitions:
        if (row.scope, row.from_state, row.event, row.to_state) in LEGAL:
            continue
        who = f"step {row.step_id}" if row.step_id is not None else "the execution"
        why = "leaves an end state" if row.from_state in END_STATES else "is not a legal transition"
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
    for step_id, count in Counter(row.step_id for row in arm.record.journal.steps).items():
        if count > 1:
            sheet.fault(f"step {step_id} has {count} rows", step_id=step_id)
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
    _times_and_names(arm, sheet)


def _times_and_names(arm: ArmView, sheet: Sheet) -> None:
    """Holds against the arm what its rows cannot rightly say: whose they are, when they began and ended, why.

    The dashboards read these columns, and no outcome shows them.
    """
    journal = arm.record.journal
    if journal is None:
        return
    execution, meant = journal.execution, sheet.trial.trial.scenario.workflow.id
    if execution.workflow_id != meant:
        sheet.fault(f"the execution is of workflow {execution.workflow_id!r}, not of {meant!r}")
    if execution.status == "failed" and not execution.error:
        sheet.fault("the execution has failed, and its row does not say why")
    _in_order(sheet, "the execution", execution.created_at, execution.started_at, execution.finished_at)
    _began_first(sheet, arm, execution.started_at)
    undated = END_STATES - {row.status for row in arm.rows.values() if row.finished_at is not None}
    for row in arm.rows.values():
        who, step = f"step {row.step_id}", arm.expected.steps.get(row.step_id)
        if step is not None and row.node_id != step.node_id:
            sheet.fault(f"{who} is of node {row.node_id!r}, not of {step.node_id!r}", step_id=row.step_id)
        if (row.finished_at is not None) != (row.status in END_STATES) and row.status not in undated:
            sheet.fault(f"{who} is {row.status}, finished at {row.finished_at}", step_id=row.step_id)
        if row.attempt and row.started_at is None:
            sheet.fault(f"{who} has attempt {row.attempt} and no time at which it started", step_id=row.step_id)
        if row.status in _WITHOUT_ERROR and row.error is not None:
            sheet.fault(f"{who} is {row.status}, and its row has an error", step_id=row.step_id, error=row.error)
        _in_order(sheet, who, row.started_at, row.finished_at)


def _began_first(sheet: Sheet, arm: ArmView, started_at: datetime | None) -> None:
    """Holds it against an execution that it is dated as begun after an activity of its own had ended.

    Whoever takes an execution over, or wakes it, does not begin it. Between its first commit and the end of an activity
    lies a call of the world, so the two cannot be of one transaction, in whichever way the database's clock is read.
    """
    ended = {row.finished_at: step_id for step_id, row in arm.rows.items() if step_id in arm.calls and row.finished_at}
    if started_at is None or not ended:
        return
    first = min(ended)
    sheet.saw()
    if started_at > first:
        sheet.fault(
            f"the execution is dated as started {(started_at - first).total_seconds():g} s after the end of step "
            f"{ended[first]}",
            step_id=ended[first],
        )


def _in_order(sheet: Sheet, who: str, *times: datetime | None) -> None:
    known = [at for at in times if at is not None]
    for before, after in pairwise(known):
        if after < before:
            sheet.fault(f"{who} has times that run backwards: {after} comes after {before}")


CHECK = ArmCheck(
    "SM", "every transition is legal, nothing leaves an end state, no ended execution has an open step", _look
)
