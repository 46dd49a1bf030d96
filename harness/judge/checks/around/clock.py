"""CLOCK: rows are dated by a clock that is right, and no wait ends before its time. Pure.

Outcomes show no times, so an engine that dates its rows in local time, or takes a deadline for local, shows here alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from cutover.engines.api import Journal
from cutover.harness.judge.checks.base import ArmCheck, Sheet
from cutover.harness.judge.view import ArmView
from cutover.harness.record.instants import LATEST, later
from cutover.harness.record.trials import WaitSeen

__all__ = ["CHECK"]

_CLOCKS: Final = timedelta(minutes=1)
"""How far the clocks of an engine and its database may differ."""
_SLACK: Final = timedelta(milliseconds=1)
"""Deadlines are kept to the microsecond, delays may have fractions."""


def _look(arm: ArmView, sheet: Sheet) -> None:
    _dated(arm, sheet)
    _fired(arm, sheet)
    if arm.record.waits and arm.record.failure is None and arm.expected.refused is None:
        timers = () if arm.record.journal is None else arm.record.journal.timers
        deadlines = {timer.step_id: timer.due_at for timer in timers if timer.kind == "wait"}
        for seen in arm.record.waits:
            _waited(arm, sheet, seen, deadlines.get(seen.step_id))


def _dated(arm: ArmView, sheet: Sheet) -> None:
    """Holds against the arm what is dated outside the time in which it ran.

    An engine dates its rows by its database's clock or by the one that it is given, which are the same in production,
    but all of them by one.
    """
    record = arm.record
    began, ended, journal = record.began_at, record.ended_at, record.journal
    if began is None or ended is None or journal is None:
        return
    whose = "the database's"
    if record.clock_began_at is not None and record.clock_ended_at is not None:
        created, given = journal.execution.created_at, (record.clock_began_at, record.clock_ended_at)
        if given[0] - _SLACK <= created <= later(given[1], 1):
            whose, (began, ended) = "its own", given
    first, last = began - _CLOCKS, later(ended, _CLOCKS.total_seconds() * 1_000)
    for what, at in _times(journal):
        sheet.examined += 1
        if first <= at <= last:
            continue
        off = at - began if at < began else at - ended
        sheet.fault(
            f"{what} is dated {off.total_seconds():g} s outside the time in which the execution ran, by {whose} clock",
            what=what,
            off_s=off.total_seconds(),
        )
        return  # the others are off by as much


def _fired(arm: ArmView, sheet: Sheet) -> None:
    """A timer that ended a wait, or the pause before an attempt that was made, says when; others do not."""
    journal = arm.record.journal
    if journal is None or arm.record.waits is None or arm.record.failure is not None:
        return  # a run of an older version, whose waits nobody saw
    for timer in journal.timers:
        row, step = arm.rows.get(timer.step_id), arm.expected.steps.get(timer.step_id)
        if row is None or step is None:
            continue
        sheet.saw()
        woken = row.status == "completed" and (step.woken_by == "timer" or "timeout" in row.ports)
        went_on = woken if timer.kind == "wait" else row.attempt >= timer.attempt
        if went_on and timer.fired_at is None:
            sheet.fault(f"the {timer.kind} timer of step {timer.step_id} was up and does not say when", kind=timer.kind)
        elif not went_on and timer.fired_at is not None:
            sheet.fault(
                f"the {timer.kind} timer of step {timer.step_id} fired, and its step did not go on", kind=timer.kind
            )


def _times(journal: Journal) -> Iterator[tuple[str, datetime]]:
    execution = journal.execution
    for name, at in (
        ("created_at", execution.created_at),
        ("started_at", execution.started_at),
        ("finished_at", execution.finished_at),
    ):
        if at is not None:
            yield f"the execution's {name}", at
    for step in journal.steps:
        if step.started_at is not None:
            yield f"the start of step {step.step_id}", step.started_at
        if step.finished_at is not None:
            yield f"the end of step {step.step_id}", step.finished_at
    for event in journal.events:
        yield f"event {event.sequence}", event.at
    for checkpoint in journal.checkpoints:
        yield f"checkpoint {checkpoint.version}", checkpoint.created_at
    for metric in journal.metrics:
        yield f"the metric of step {metric.step_id}", metric.recorded_at


def _waited(arm: ArmView, sheet: Sheet, seen: WaitSeen, due_at: datetime | None) -> None:
    """A wait that no signal ended takes its whole time, and its deadline lies no earlier than that.

    A later one is no fault by itself: what it delays shows in the outcome, and an engine's clock may be ahead.
    """
    step, row = arm.expected.steps.get(seen.step_id), arm.rows.get(seen.step_id)
    if step is None or step.timeout_ms is None or row is None or row.status == "skipped":
        return
    over = later(seen.since, step.timeout_ms)
    if over == LATEST:
        return  # how late the deadline of such a wait lies is for an engine's own calendar to say
    whole = over - seen.since
    by_timer = row.status == "completed" and (step.woken_by == "timer" or "timeout" in row.ports)
    if by_timer and seen.over is not None:
        sheet.saw()
        missing = whole - (seen.over - seen.since)
        if missing > _SLACK:
            sheet.fault(
                f"step {seen.step_id} waited {missing.total_seconds():g} s less than its {whole.total_seconds():g} s",
                step_id=seen.step_id,
                timeout_ms=step.timeout_ms,
            )
    if due_at is not None:
        sheet.saw()
        early = over - due_at
        if early > _SLACK:
            sheet.fault(
                f"the deadline of step {seen.step_id} lies {early.total_seconds():g} s before its time",
                step_id=seen.step_id,
                early_s=early.total_seconds(),
            )


CHECK = ArmCheck("CLOCK", "rows are dated by a clock that is right, and no wait ends before its time", _look)
