"""One module for each property that every candidate must have. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from cutover.harness.judge.alike import failed_alike, undecided
from cutover.harness.judge.checks import ckpt, data, dup, evt, idem, iso, log, lost, met, ord, out, perf, retry, sm  # noqa: A004
from cutover.harness.judge.checks.around import beside, clock, ident, secret
from cutover.harness.judge.checks.base import ROWS_OF, Check
from cutover.harness.judge.findings import CheckResult, Finding, Verdict
from cutover.harness.judge.view import TrialView
from cutover.harness.record.trials import Trial, role

__all__ = ["CHECKS", "asked_of", "broken_checks", "run_checks", "without_unasked"]

CHECKS: Final[Mapping[str, Check]] = {
    check.id: check
    for check in (
        out.CHECK,
        dup.CHECK,
        lost.CHECK,
        sm.CHECK,
        evt.CHECK,
        ckpt.CHECK,
        retry.CHECK,
        ord.CHECK,
        iso.CHECK,
        data.CHECK,
        log.CHECK,
        idem.CHECK,
        met.CHECK,
        perf.CHECK,
        clock.CHECK,
        ident.CHECK,
        secret.CHECK,
        beside.CHECK,
    )
}
"""By id, in the order of the design's table, those of what is around an execution last."""


def asked_of(lacks: Collection[str], checks: Mapping[str, Check] = CHECKS) -> Mapping[str, Check]:
    """Returns those of the checks that are not of rows which an engine does not offer."""
    return {name: check for name, check in checks.items() if ROWS_OF.get(name) not in lacks}


def without_unasked(results: Sequence[CheckResult], lacks: Collection[str]) -> Sequence[CheckResult]:
    """Returns the results but for those of the candidate that are of rows which it does not offer."""
    if not lacks:
        return results
    return [each for each in results if role(each.arm) == "control" or ROWS_OF.get(each.check) not in lacks]


def run_checks(view: TrialView, checks: Mapping[str, Check] = CHECKS) -> Sequence[CheckResult]:
    """Returns what every check says of every arm of the trial; a check that raises is an ERROR, never silence.

    Where every arm failed alike nothing is held against anybody.
    """
    results: list[CheckResult] = []
    for name, check in checks.items():
        try:
            results += check(view)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong in a check must block the stage
            results += _broken(name, view.trial, error)
    return undecided(results) if failed_alike(view.trial) else results


def broken_checks(trial: Trial, checks: Iterable[str], error: Exception) -> Sequence[CheckResult]:
    """Returns the results of checks none of which could be made, for the trial has no view."""
    return [result for name in checks for result in _broken(name, trial, error)]


def _broken(name: str, trial: Trial, error: Exception) -> list[CheckResult]:
    message = f"the check itself failed: {type(error).__name__}: {error}"
    return [
        CheckResult(
            check=name,
            arm=arm,
            examined=0,
            findings=(
                Finding(
                    check=name,
                    verdict=Verdict.ERROR,
                    trial=trial.number,
                    scenario=trial.scenario.id,
                    arm=arm,
                    message=message,
                ),
            ),
        )
        for arm in trial.arms
    ]
