"""What must hold of an execution that was interrupted: RESUME, ACK, CONC, FENCE, TIME, STUCK. Pure.

The checks of whole trials (DUP, LOST, EVT and so on) are made on an interrupted arm too; here is what only a crash can
break. Each looks at one case and writes on a sheet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from cutover.engines.api import Journal, TimerRow
from cutover.harness.judge.checks.base import Sheet
from cutover.harness.judge.crash.kept import look_at_kept
from cutover.harness.judge.crash.view import CaseView
from cutover.harness.judge.outcomes.outcome import is_refusal
from cutover.harness.judge.view import END_STATES
from cutover.harness.record.cases import CommandRecord, Way

__all__ = ["CRASH_CHECKS", "HOLDS_WHEN"]


def _resume(case: CaseView, sheet: Sheet) -> None:
    """RESUME: the outcome is that of the run without the crash, or a clean cancellation where one was asked for."""
    failure = case.arm.record.failure
    sheet.saw()
    refused = case.arm.expected.refused is not None and is_refusal(case.arm.record)
    if failure is not None and failure.kind != "timeout" and not refused:
        sheet.fault(f"the resume did not return: {failure.type}: {failure.message}", kind=failure.kind, failure=failure)
        return
    if case.cancelled:
        _cancelled(case, sheet)
        return
    sheet.saw(1 + len(case.arm.expected.outcome.steps))
    for difference in case.arm.differences:
        sheet.fault(
            f"{difference.path}: {difference.kind}, {difference.right} instead of {difference.left}",
            path=difference.path,
            kind=difference.kind,
            expected=difference.left,
            found=difference.right,
        )


def _cancelled(case: CaseView, sheet: Sheet) -> None:
    journal, before = case.arm.record.journal, case.record.at_crash
    if journal is None or before is None:
        return
    ended = before.execution.status in END_STATES
    expected = before.execution.status if ended else "cancelled"
    sheet.saw()
    if journal.execution.status != expected:
        sheet.fault(f"cancelled, and ended as {journal.execution.status}", expected=expected)
    for step in journal.steps:
        sheet.saw()
        if step.status not in END_STATES:
            sheet.fault(f"step {step.step_id} is still {step.status} after the cancellation", step_id=step.step_id)
    finished = {step.step_id: step.status for step in before.steps if step.status in END_STATES}
    for step in journal.steps:
        if finished.get(step.step_id, step.status) != step.status:
            sheet.fault(
                f"step {step.step_id} had ended as {finished[step.step_id]} and is now {step.status}",
                step_id=step.step_id,
            )


def _conc(case: CaseView, sheet: Sheet) -> None:
    """CONC: of several workers at once, one runs."""
    if case.record.case.way is not Way.CONCURRENT:
        return
    racers = _racers(case.record.commands)
    sheet.saw(len(racers))
    workers = {call: command.worker for command in racers for call in command.calls}
    turns: list[int] = []
    for call in sorted(workers):
        if not turns or turns[-1] != workers[call]:
            turns.append(workers[call])
    if len(turns) > len(set(turns)):
        sheet.fault("two workers drove the execution at the same time", turns=" ".join(map(str, turns)))
    tries: dict[tuple[str, int], int] = {}
    by_sequence = {entry.sequence: entry for entry in case.arm.record.ledger}
    for call, worker in sorted(workers.items()):
        entry = by_sequence[call]
        first = tries.setdefault((entry.step_id, entry.attempt), worker)
        if first != worker:
            sheet.fault(
                f"step {entry.step_id}, attempt {entry.attempt}, was called by two workers",
                step_id=entry.step_id,
                first=first,
                second=worker,
            )


def _racers(commands: tuple[CommandRecord, ...]) -> tuple[CommandRecord, ...]:
    """Returns the commands of the first two workers after the one that was killed."""
    return tuple(command for command in commands if command.worker in {2, 3})[:2]


def _fence(case: CaseView, sheet: Sheet) -> None:
    """FENCE: a worker that lost its lease changes nothing, and no process outlives its worker."""
    record = case.record
    sheet.saw()
    if record.leftovers:
        sheet.fault(f"{record.leftovers} processes lived on after their worker was killed", processes=record.leftovers)
    if record.strays:
        tables = ", ".join(record.strays)
        sheet.fault(f"the engine writes outside its tables: {tables} appeared after it was installed", tables=tables)
    before, after = record.before_go_on, case.arm.record.journal
    if before is None or after is None:
        return
    sheet.saw()
    for what, left, right in _rows(before, after):
        if left != right:
            sheet.fault(f"{what} changed after the zombie went on", rows=what)
    zombie = [command for command in record.commands if command.worker == 1][-1]
    sheet.saw(len(zombie.calls))
    if len(zombie.calls) > 1:
        sheet.fault(
            f"the zombie made {len(zombie.calls)} calls before it learned that it had lost its lease",
            calls=len(zombie.calls),
        )


def _rows(before: Journal, after: Journal) -> Iterator[tuple[str, object, object]]:
    yield "the execution's row", before.execution, after.execution
    yield "the steps' rows", before.steps, after.steps
    yield "the events", before.events, after.events
    yield "the checkpoints", before.checkpoints, after.checkpoints
    yield "the metrics", before.metrics, after.metrics
    yield "the timers", before.timers, after.timers


def _time(case: CaseView, sheet: Sheet) -> None:
    """TIME: a timer wakes once, in its window; a crash neither loses nor moves it."""
    journal = case.arm.record.journal
    if journal is None:
        return
    now = {_key(timer): timer for timer in journal.timers}
    for timer in case.record.at_crash.timers if case.record.at_crash else ():
        sheet.saw()
        kept = now.get(_key(timer))
        if kept is None:
            sheet.fault(f"the {timer.kind} timer of step {timer.step_id} was lost", step_id=timer.step_id)
        elif kept.due_at != timer.due_at:
            moved = (kept.due_at - timer.due_at).total_seconds()
            sheet.fault(
                f"the {timer.kind} timer of step {timer.step_id} was moved by {moved:g} s",
                step_id=timer.step_id,
                moved_s=moved,
            )
    for timer in journal.timers:
        sheet.saw()
        if timer.fired_at is not None and timer.fired_at < timer.due_at:
            early = (timer.due_at - timer.fired_at).total_seconds()
            sheet.fault(f"the {timer.kind} timer of step {timer.step_id} fired {early:g} s early", early_s=early)


def _key(timer: TimerRow) -> tuple[str, str, int]:
    return timer.step_id, timer.kind, timer.attempt


def _stuck(case: CaseView, sheet: Sheet) -> None:
    """STUCK: every command returns in its time, and what should have ended has."""
    record = case.arm.record
    sheet.saw(len(case.record.commands))
    if record.failure is not None and record.failure.kind == "timeout":
        sheet.fault(record.failure.message, kind=record.failure.type)
    expected = case.arm.expected.outcome.status
    waiting = record.journal is not None and record.journal.execution.status in {"pending", "running"}
    if waiting and (case.cancelled or expected in END_STATES):
        sheet.fault("the execution makes no progress any more and has not ended", expected=expected)


CRASH_CHECKS: Final[Mapping[str, Callable[[CaseView, Sheet], None]]] = {
    "RESUME": _resume,
    "ACK": look_at_kept,
    "CONC": _conc,
    "FENCE": _fence,
    "TIME": _time,
    "STUCK": _stuck,
}
"""By id; IDEM and the checks of whole trials are added by cutover.harness.judge.crash.tally."""

HOLDS_WHEN: Final[Mapping[str, str]] = {
    "RESUME": "interrupted anywhere and resumed in any way, an execution ends as it does without the crash",
    "ACK": "what was acknowledged is there after any death, and is not done again",
    "CONC": "of several workers at once, one runs",
    "FENCE": "a worker that lost its lease changes nothing, no process outlives its worker, and none makes tables",
    "TIME": "a timer wakes once, in its window, across crashes",
    "STUCK": "every command returns in time, and what should end does",
    "META": "the ledger has every call that was served, whoever died meanwhile",
}
"""What each of them says, for reports."""
