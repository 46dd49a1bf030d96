"""What the verdict rests on: reasons, criteria and checks, as parts of a report. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from cutover.harness.judge.analysis import Analysis
from cutover.harness.judge.findings import Finding, Verdict
from cutover.harness.judge.flag import FLAG
from cutover.harness.judge.plays import PLAY
from cutover.harness.judge.policy.gate import Part as Area
from cutover.harness.judge.policy.gate import Severity
from cutover.reports.parts.base import ReportPart
from cutover.reports.parts.run import Commands

__all__ = ["CheckPart", "CriterionPart", "FindingPart", "ReasonPart", "check_parts", "criterion_parts"]


class ReasonPart(ReportPart):
    """One part of the evidence and what it came to."""

    part: Area
    id: str
    verdict: Verdict
    severity: Severity
    text: str


class CriterionPart(ReportPart):
    """One threshold of the plan, judged. Numbers are in `unit`; null where nothing was measured.

    `low` and `high` are one-sided 95 % bounds, `bound` the one that must lie on the safe side. `n_needed` is null
    where more measurements would not help or their number cannot be foretold.
    """

    id: str
    words: str
    section: str
    decided: str
    metric: str
    unit: str
    severity: Severity
    source: Literal["harness", "production"]
    min_n: int
    threshold: str
    estimate: float | None
    low: float | None
    high: float | None
    bound: float | None
    n: int
    n_needed: int | None
    measured: bool
    verdict: Verdict
    reason: str


class FindingPart(ReportPart):
    """One thing that a check holds against one arm of one trial; `reproduce` runs that trial alone.

    `case` names the crash case instead, where it is not empty; `trial` is then 0.
    """

    verdict: Verdict
    trial: int
    scenario: str
    case: str
    arm: str
    message: str
    witness: Mapping[str, str | int | float | bool | None]
    reproduce: str


class CheckPart(ReportPart):
    """One check over all trials; its verdict is the candidate's. At most five samples of the findings a role."""

    check: str
    holds_when: str
    required: bool
    verdict: Verdict
    examined_candidate: int
    examined_control: int
    findings_candidate: int
    findings_control: int
    reason: str
    samples: tuple[FindingPart, ...]


def criterion_parts(analysis: Analysis) -> tuple[CriterionPart, ...]:
    """Returns the criteria of the stage, in the policy's order."""
    told = ("id", "words", "section", "decided", "metric", "unit", "severity", "source", "min_n")
    judged = ("threshold", "estimate", "low", "high", "bound", "n", "n_needed", "measured", "verdict", "reason")
    return tuple(
        CriterionPart.model_validate(
            {name: getattr(result.criterion, name) for name in told} | {name: getattr(result, name) for name in judged}
        )
        for result in analysis.criteria
    )


def check_parts(analysis: Analysis, commands: Commands) -> tuple[CheckPart, ...]:
    """Returns the checks, each with its samples and how to see them again."""
    plain = tuple(name for name in CheckPart.model_fields if name != "samples")
    return tuple(
        CheckPart.model_validate(
            {name: getattr(summary, name) for name in plain}
            | {"samples": tuple(_finding(finding, commands) for finding in summary.samples)}
        )
        for summary in analysis.checks
    )


def _finding(finding: Finding, commands: Commands) -> FindingPart:
    return FindingPart(
        verdict=finding.verdict,
        trial=finding.trial,
        scenario=finding.scenario,
        case=finding.case,
        arm=finding.arm,
        message=finding.message,
        witness=dict(finding.witness),
        reproduce=_again(finding, commands),
    )


def _again(finding: Finding, commands: Commands) -> str:
    if finding.case:
        return commands.case(finding.case)
    if not finding.trial and finding.scenario.startswith(PLAY):
        return commands.play(finding.scenario.removeprefix(PLAY))
    if not finding.trial or finding.check == FLAG:  # counted costs, the run's keys, the router: of no one trial
        return commands.run
    return commands.trial(finding.scenario)
