"""The analysis: everything that a report says of one run, from the run's rows and a policy. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from harness.judge.findings import Difference, DifferenceClass, Finding, Verdict
from harness.judge.gate import Reason, StageVerdict
from harness.judge.policy import Criterion

__all__ = ["Analysis", "CheckSummary", "CriterionResult", "DifferenceSample", "DifferenceSummary", "SideBySide"]

SAMPLES = 5
"""How many findings, or differences, of one kind are kept; the count is always of all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckSummary:
    """One check over all trials. The verdict is the candidate's; the control's findings are shown, and block nothing.

    `examined_*` count the facts looked at, `findings_*` all findings of that role; `samples` keeps at most five a
    role, candidate first. `required` says whether the stage needs this check. `reason` is one sentence.
    """

    check: str
    holds_when: str
    required: bool
    verdict: Verdict
    examined_candidate: int
    examined_control: int
    findings_candidate: int
    findings_control: int
    samples: tuple[Finding, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CriterionResult:
    """One criterion, judged. Numbers are in the criterion's unit; None where nothing was measured.

    `threshold` is the condition as text (">= 99.5 %"). `low` and `high` are one-sided 95 % bounds of the estimate;
    `bound` is the one of them that must lie on the safe side. `n_needed` counts the further measurements without a
    failure that would let it pass, 0 where it does, None where more would not help or cannot be foretold.
    `measured` is False where only production can measure it and no such measurement was given.
    """

    criterion: Criterion
    verdict: Verdict
    threshold: str
    estimate: float | None
    low: float | None
    high: float | None
    bound: float | None
    n: int
    n_needed: int | None
    measured: bool = True
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferenceSample:
    """One difference and where it was seen."""

    trial: int
    scenario: str
    difference: Difference


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferenceSummary:
    """All differences of one class, one flaw (None where none explains them) and one fingerprint.

    The fingerprint is the kind and the path without step names and iterations, as `value steps/*/output`.
    `count` is of all, `trials` of the trials that show one; at most five samples.
    """

    klass: DifferenceClass
    flaw: str | None
    fingerprint: str
    count: int
    trials: int
    samples: tuple[DifferenceSample, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SideBySide:
    """One number of both engines; None where there is none to give. `unit` is "share", "ms", "count" or "ratio".

    `id` is stable (`success`, `latency_p95`); `name` is what a person reads.
    """

    id: str
    name: str
    unit: str
    control: float | None
    candidate: float | None
    n_control: int
    n_candidate: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """What a run comes to at one stage, with the evidence.

    `headline` is one sentence; `blocking` are the reasons that keep the stage from GO, strongest first, and
    `reasons` all. `trials` counts the trials judged, `trials_failed` those in which the candidate broke a required
    check, with at most five `failed_scenarios` as (trial number, scenario id). `criteria` are the stage's; those that
    the harness cannot measure have `measured` False. `not_tested` lists, in sentences, what the run says nothing of.
    """

    run_id: str
    stage: int
    stage_name: str
    policy_name: str
    policy_digest: str
    verdict: StageVerdict
    headline: str
    reasons: tuple[Reason, ...]
    blocking: tuple[Reason, ...]
    trials: int
    trials_failed: int
    failed_scenarios: tuple[tuple[int, str], ...]
    checks: tuple[CheckSummary, ...]
    criteria: tuple[CriterionResult, ...]
    differences: tuple[DifferenceSummary, ...]
    side_by_side: tuple[SideBySide, ...]
    not_tested: tuple[str, ...]
