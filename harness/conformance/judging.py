"""Judges what a session left behind with the checks of trials and of crashes. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Final

from cutover.harness.judge.checks import asked_of, run_checks
from cutover.harness.judge.checks.base import Sheet
from cutover.harness.judge.crash.checks import CRASH_CHECKS
from cutover.harness.judge.crash.view import CaseView
from cutover.harness.judge.findings import Finding, Verdict
from cutover.harness.judge.view import view_of
from cutover.harness.record.cases import CaseRecord
from cutover.harness.record.trials import Failure, Trial
from cutover.scenarios.model import Scenario

__all__ = ["AT_ANY_TIME", "AT_THE_END", "PropertyBroken", "judge_session", "wording"]

AT_ANY_TIME: Final = ("DUP", "SM", "EVT", "CKPT", "ORD", "ISO")
"""Checks that hold of every committed state, whatever is under way."""
AT_THE_END: Final = ("DUP", "LOST", "SM", "EVT", "CKPT", "RETRY", "ORD", "ISO", "DATA", "IDEM", "MET", *CRASH_CHECKS)
"""Checks that hold of an execution that has ended, or waits for what never comes."""
_EXPECT_THE_END: Final = frozenset({"RETRY", "MET"})
_UNDER_WAY: Final = Failure(kind="died", type="under way", message="the execution has not come to its end yet")
_LINES = 40


class PropertyBroken(AssertionError):
    """A check found something; the message has the findings, the kill points and the time line."""


def judge_session(
    scenario: Scenario,
    record: CaseRecord,
    checks: Collection[str] = AT_THE_END,
    *,
    under_way: bool = False,
    lacks: Collection[str] = (),
) -> tuple[Finding, ...]:
    """What the named checks hold against it; a redelivery is legal only where a worker died.

    Nothing is held against it of rows that the engine `lacks`, which it does not offer.
    What a check cannot decide, as of an engine that keeps no history, is held against nobody here.
    """
    arm = record.arm
    if under_way:
        arm = replace(arm, failure=arm.failure or _UNDER_WAY)
    trial = Trial(number=1, scenario=scenario, arms={"candidate": arm})
    view = view_of(trial)
    case = CaseView(record, view.arms["candidate"])
    wanted = set(checks) - (_EXPECT_THE_END if case.cancelled else frozenset())
    results = list(run_checks(view, {name: check for name, check in asked_of(lacks).items() if name in wanted}))
    for name in CRASH_CHECKS.keys() & wanted:
        sheet = Sheet(name, case.arm, view)
        CRASH_CHECKS[name](case, sheet)
        results.append(sheet.result())
    found = (finding for result in sorted(results, key=lambda each: each.check) for finding in result.findings)
    return tuple(finding for finding in found if finding.verdict is not Verdict.INCONCLUSIVE)


def wording(findings: tuple[Finding, ...], record: CaseRecord | None = None) -> str:
    """The findings in words, one a line, and the last moments of the time line."""
    lines = [f"{finding.check}: {finding.message}" for finding in findings]
    moments = record.moments[-_LINES:] if record is not None else ()
    lines += [f"  worker {moment.worker}  {moment.what:9} {moment.detail}".rstrip() for moment in moments]
    return "\n".join(lines)
