"""The report: one JSON document from an analysis and its run's manifest; every other format renders it. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from harness.judge.analysis import Analysis
from harness.judge.findings import DifferenceClass, Verdict
from harness.judge.gate import Part, Severity, StageVerdict
from harness.judge.records import Manifest
from reports.crash_part import CrashPart, crash_part

__all__ = [
    "SCHEMA_VERSION",
    "CheckPart",
    "CriterionPart",
    "DifferencePart",
    "DifferenceSamplePart",
    "DistributionPart",
    "Document",
    "EnginePart",
    "FailedScenario",
    "FindingPart",
    "LimitPart",
    "ReasonPart",
    "RunPart",
    "SidePart",
    "build",
    "json_schema",
]

SCHEMA_VERSION: Literal[1] = 1


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", from_attributes=True)


class EnginePart(_Part):
    """Which engine played a role: what was asked for, the name it gives itself, and a SHA-256 of its sources."""

    spec: str
    name: str
    digest: str


class RunPart(_Part):
    """What was run, on what. `partial` says that it was interrupted; `seconds` is real time.

    `cases` counts the crash cases played, of `cases_planned`; `crash_budget_s` is the time that they were given.
    """

    run_id: str
    created_at: datetime
    cutover_version: str
    seed: int
    control: EnginePart
    candidate: EnginePart
    server: str
    server_version: str
    planned: int
    finished: int
    workers: int
    seconds: float
    partial: bool
    arguments: tuple[str, ...]
    environment: Mapping[str, JsonValue]
    cases: int
    cases_planned: int
    crash_budget_s: float | None


class ReasonPart(_Part):
    """One part of the evidence and what it came to."""

    part: Part
    id: str
    verdict: Verdict
    severity: Severity
    text: str


class CriterionPart(_Part):
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


class FindingPart(_Part):
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


class CheckPart(_Part):
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


class DifferenceSamplePart(_Part):
    """One path at which control (`left`) and candidate (`right`) are unequal; null where a side has nothing."""

    trial: int
    scenario: str
    path: str
    kind: str
    left: str | None
    right: str | None


class DifferencePart(_Part):
    """All differences of one class, one known flaw of the control and one fingerprint; at most five samples."""

    klass: DifferenceClass = Field(alias="class")
    flaw: str | None
    fingerprint: str
    count: int
    trials: int
    samples: tuple[DifferenceSamplePart, ...]

    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True)


class SidePart(_Part):
    """One number of both engines; `unit` is share, ms, MiB or count."""

    id: str
    name: str
    unit: str
    control: float | None
    candidate: float | None
    n_control: int
    n_candidate: int


class LimitPart(_Part):
    """What a criterion of the policy allows at most, ms; `here` says whether this stage asks it."""

    criterion: str
    quantile: float | None
    limit: float
    here: bool


class DistributionPart(_Part):
    """One duration of both engines: bin i counts those from `edges[i]` to `edges[i + 1]`, ms; no edges without data.

    `unusable_*` count the values that are no positive number and in no bin.
    """

    id: Literal["latency", "checkpoint"]
    edges: tuple[float, ...]
    control: tuple[int, ...]
    candidate: tuple[int, ...]
    unusable_control: int
    unusable_candidate: int
    limits: tuple[LimitPart, ...]


class FailedScenario(_Part):
    """A trial in which the candidate broke a required check; `reproduce` runs it alone."""

    trial: int
    scenario: str
    reproduce: str


class Document(_Part):
    """What a run comes to at one stage, with the evidence. `exit_status` is the one `cutover` leaves by."""

    schema_version: Literal[1] = SCHEMA_VERSION
    verdict: StageVerdict
    exit_status: int
    headline: str
    stage: int
    stage_name: str
    policy_name: str
    policy_digest: str
    trials: int
    trials_failed: int
    failed_scenarios: tuple[FailedScenario, ...]
    blocking: tuple[ReasonPart, ...]
    reasons: tuple[ReasonPart, ...]
    criteria: tuple[CriterionPart, ...]
    checks: tuple[CheckPart, ...]
    differences: tuple[DifferencePart, ...]
    side_by_side: tuple[SidePart, ...]
    distributions: tuple[DistributionPart, ...]
    crash: CrashPart | None
    not_tested: tuple[str, ...]
    reproduce: str
    run: RunPart


def build(analysis: Analysis, manifest: Manifest) -> Document:
    """The document; numbers and words are taken over, nothing is judged again."""
    again = shlex.join(("cutover", "run", *manifest.arguments))
    base = shlex.join(("cutover", "run", *_without_only(manifest.arguments)))
    replay = shlex.join(("cutover", "replay", "--engine", manifest.candidate.spec))
    return Document(
        verdict=analysis.verdict,
        exit_status=analysis.verdict.exit_status,
        headline=analysis.headline,
        stage=analysis.stage,
        stage_name=analysis.stage_name,
        policy_name=analysis.policy_name,
        policy_digest=analysis.policy_digest,
        trials=analysis.trials,
        trials_failed=analysis.trials_failed,
        failed_scenarios=tuple(
            FailedScenario(trial=number, scenario=scenario, reproduce=_alone(base, scenario))
            for number, scenario in analysis.failed_scenarios
        ),
        blocking=tuple(ReasonPart.model_validate(reason) for reason in analysis.blocking),
        reasons=tuple(ReasonPart.model_validate(reason) for reason in analysis.reasons),
        criteria=_criteria(analysis),
        checks=_checks(analysis, base, replay),
        differences=_differences(analysis),
        side_by_side=tuple(SidePart.model_validate(side) for side in analysis.side_by_side),
        distributions=tuple(DistributionPart.model_validate(each) for each in analysis.distributions),
        crash=crash_part(analysis.crash, replay) if analysis.crash else None,
        not_tested=analysis.not_tested,
        reproduce=again,
        run=RunPart.model_validate(manifest),
    )


def json_schema() -> dict[str, JsonValue]:
    """The document's JSON Schema, as `reports/schema/report.schema.json` publishes it."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Document.model_json_schema(mode="serialization"),
    }


def _alone(base: str, scenario: str) -> str:
    return f"{base} --only {shlex.quote(scenario)}"


def _without_only(arguments: tuple[str, ...]) -> tuple[str, ...]:
    pairs = zip(arguments, ("", *arguments), strict=False)
    return tuple(word for word, before in pairs if "--only" not in (word, before))


def _criteria(analysis: Analysis) -> tuple[CriterionPart, ...]:
    told = ("id", "words", "section", "decided", "metric", "unit", "severity", "source", "min_n")
    judged = ("threshold", "estimate", "low", "high", "bound", "n", "n_needed", "measured", "verdict", "reason")
    return tuple(
        CriterionPart.model_validate(
            {name: getattr(result.criterion, name) for name in told} | {name: getattr(result, name) for name in judged}
        )
        for result in analysis.criteria
    )


def _checks(analysis: Analysis, base: str, replay: str) -> tuple[CheckPart, ...]:
    plain = tuple(name for name in CheckPart.model_fields if name != "samples")
    return tuple(
        CheckPart.model_validate(
            {name: getattr(summary, name) for name in plain}
            | {
                "samples": tuple(
                    FindingPart(
                        verdict=finding.verdict,
                        trial=finding.trial,
                        scenario=finding.scenario,
                        case=finding.case,
                        arm=finding.arm,
                        message=finding.message,
                        witness=dict(finding.witness),
                        reproduce=f"{replay} {shlex.quote(finding.case)}"
                        if finding.case
                        else _alone(base, finding.scenario),
                    )
                    for finding in summary.samples
                )
            }
        )
        for summary in analysis.checks
    )


def _differences(analysis: Analysis) -> tuple[DifferencePart, ...]:
    return tuple(
        DifferencePart.model_validate(
            {
                "class": group.klass,
                "flaw": group.flaw,
                "fingerprint": group.fingerprint,
                "count": group.count,
                "trials": group.trials,
                "samples": tuple(
                    DifferenceSamplePart(
                        trial=sample.trial,
                        scenario=sample.scenario,
                        path=sample.difference.path,
                        kind=sample.difference.kind,
                        left=sample.difference.left,
                        right=sample.difference.right,
                    )
                    for sample in group.samples
                ),
            }
        )
        for group in analysis.differences
    )
