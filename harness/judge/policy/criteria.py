"""Judges criteria: a condition of the policy against a measurement, whichever source it comes from. Pure.

PASS needs the 95 % bound on the safe side and enough measurements; FAIL needs the opposite bound on the wrong side;
all else is INCONCLUSIVE, and so is a failure that the machine explains. Measurements that are not numbers make it
INVALID, unless the others fail it already.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from cutover.harness.judge.findings import Verdict
from cutover.harness.judge.measures.measurements import Measurement, MeasurementSource
from cutover.harness.judge.policy.model import Criterion, Policy
from cutover.harness.judge.policy.readings import Reading, read, wants_more
from cutover.harness.judge.policy.wording import amount, plural, threshold

__all__ = ["CriterionResult", "failed_to_judge", "judge", "judge_criteria", "not_measured", "nothing_measured"]


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


def judge_criteria(
    policy: Policy,
    stage: int,
    source: MeasurementSource,
    production: Mapping[str, Measurement] | None = None,
) -> tuple[CriterionResult, ...]:
    """Returns the results of the criteria that guard a stage, in the policy's order.

    `source` is asked for what the harness measures, the mapping, by metric, for what only production can. Raises
    PolicyError where there is no such stage.
    """
    policy.stage(stage)
    return tuple(_judged(criterion, source, production or {}) for criterion in policy.criteria_of(stage))


def judge(criterion: Criterion, measurement: Measurement) -> CriterionResult:
    """Returns what the measurement says of the criterion; its shape must be that of the criterion's metric."""
    reading = read(criterion.condition, measurement)
    verdict = _verdict(criterion, reading)
    needed = _needed(criterion, reading, verdict)
    return CriterionResult(
        criterion=criterion,
        verdict=verdict,
        threshold=threshold(criterion),
        estimate=reading.estimate,
        low=reading.low,
        high=reading.high,
        bound=reading.low if wants_more(criterion.condition) else reading.high,
        n=reading.n,
        n_needed=needed,
        reason=_reason(criterion, reading, verdict, needed),
    )


def not_measured(criterion: Criterion) -> CriterionResult:
    """Returns the result of a criterion that only production can measure, without such a measurement."""
    reason = "not measured here: only production can tell"
    return _without_numbers(criterion, Verdict.INCONCLUSIVE, reason, measured=False)


def nothing_measured(criterion: Criterion) -> CriterionResult:
    """Returns the result of a criterion that the harness can measure, and of which this run says nothing."""
    return _without_numbers(criterion, Verdict.INCONCLUSIVE, "this run has no measurement of it", measured=True)


def failed_to_judge(criterion: Criterion, why: str) -> CriterionResult:
    """Returns the result of a criterion whose measurement or judgement broke."""
    return _without_numbers(criterion, Verdict.ERROR, f"the measurement itself failed: {why}", measured=True)


def _judged(criterion: Criterion, source: MeasurementSource, production: Mapping[str, Measurement]) -> CriterionResult:
    metric = criterion.metric
    try:
        if criterion.source == "production":
            given = production.get(metric)
            return not_measured(criterion) if given is None else judge(criterion, given)
        if metric not in source.metrics:
            return not_measured(criterion)
        measured = source.measure(metric)
        if measured is None:
            return nothing_measured(criterion)
        return _unexplained(judge(criterion, measured), source)
    except Exception as error:  # noqa: BLE001 - one criterion that breaks must not hide what the others say
        return failed_to_judge(criterion, f"{type(error).__name__}: {error}")


def _unexplained(result: CriterionResult, source: MeasurementSource) -> CriterionResult:
    """Returns the result, with a failure that the machine explains as a question."""
    if result.verdict is not Verdict.FAIL or result.estimate is None:
        return result
    why = source.explains(result.criterion.metric, result.criterion.condition.limit, result.estimate)
    return replace(result, verdict=Verdict.INCONCLUSIVE, reason=f"{result.reason}; {why}") if why else result


def _without_numbers(criterion: Criterion, verdict: Verdict, reason: str, *, measured: bool) -> CriterionResult:
    return CriterionResult(
        criterion=criterion,
        verdict=verdict,
        threshold=threshold(criterion),
        estimate=None,
        low=None,
        high=None,
        bound=None,
        n=0,
        n_needed=None,
        measured=measured,
        reason=reason,
    )


def _verdict(criterion: Criterion, reading: Reading) -> Verdict:
    enough = reading.n >= criterion.min_n
    if reading.holds is False and (enough or not reading.approximate):
        return Verdict.FAIL
    if reading.invalid:
        return Verdict.INVALID
    return Verdict.PASS if reading.holds and enough else Verdict.INCONCLUSIVE


def _needed(criterion: Criterion, reading: Reading, verdict: Verdict) -> int | None:
    if verdict is Verdict.PASS:
        return 0
    foretold = reading.holds or reading.n == 0 or (reading.holds is None and reading.total is not None)
    if verdict is not Verdict.INCONCLUSIVE or not foretold:
        return None
    total = criterion.min_n if reading.holds else max(criterion.min_n, reading.total or 0)
    return max(total - reading.n, 1)


def _reason(criterion: Criterion, reading: Reading, verdict: Verdict, needed: int | None) -> str:
    """Returns the reason in one sentence, without the criterion's name."""
    unit = criterion.unit
    if reading.n == 0 and not reading.invalid and reading.estimate is None:
        return f"nothing was measured; {plural(needed or criterion.min_n, 'measurement')} needed"
    parts = [f"{amount(reading.estimate, unit)} in {reading.n:,}"]
    low, high = reading.low, reading.high
    if low is not None or high is not None:
        parts[0] += f" (95 % bounds {amount(low, unit)} and {amount(high, unit)})"
    parts[0] += f", wanted {threshold(criterion)}"
    parts += [text for text in (reading.note, reading.invalid) if text]
    if verdict is Verdict.INCONCLUSIVE:
        parts.append(f"{needed:,} more without a failure would decide" if needed else "the bounds do not decide")
    return "; ".join(parts)
