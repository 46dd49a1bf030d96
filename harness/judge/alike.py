"""Trials in which every arm failed alike: whatever did that was not one of the engines. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from cutover.harness.judge.findings import CheckResult, Finding, Verdict
from cutover.harness.record.trials import ARMS, Failure, Trial

__all__ = ["failed_alike", "undecided"]


def failed_alike(trial: Trial) -> bool:
    """Whether all four arms failed, and in one way: each ran past its deadline, each died, or each was told the same.

    What is refused to both engines, or is too much for both, tells nothing of either.
    """
    failures = [arm.failure for arm in trial.arms.values() if arm.failure is not None]
    return set(trial.arms) == set(ARMS) and len(failures) == len(ARMS) and len({_way(each) for each in failures}) == 1


def undecided(results: Iterable[CheckResult]) -> Sequence[CheckResult]:
    """Returns the results with nothing held against anybody: what was a failure is a question."""
    return [replace(result, findings=tuple(map(_question, result.findings))) for result in results]


def _question(finding: Finding) -> Finding:
    if finding.verdict is not Verdict.FAIL:
        return finding
    return replace(finding, verdict=Verdict.INCONCLUSIVE, message=f"{finding.message}; so did every arm of the trial")


def _way(failure: Failure) -> tuple[str, ...]:
    if failure.refused:
        return failure.kind, failure.refused.partition(":")[0]
    return (failure.kind, failure.type, failure.message) if failure.kind == "exception" else (failure.kind,)
