"""Reads a measurement as a condition asks: the statistic, its bounds, and whether the condition holds. Pure."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from cutover.harness.judge.measures import stats
from cutover.harness.judge.measures.measurements import (
    Count,
    Gauge,
    Measurement,
    Paired,
    Pairs,
    Samples,
    Share,
)
from cutover.harness.judge.measures.sequential import e_value, e_value_of_rare
from cutover.harness.judge.measures.stats import Bounds, Floats
from cutover.harness.judge.policy.model import Condition, Operator
from cutover.harness.judge.policy.wording import amount

__all__ = ["Reading", "read", "wants_more"]

_SEED = 20250108
"""Of the bootstrap, so that the same rows always have the same bounds: the date of the plan."""

_HOLDS: Mapping[Operator, Callable[[float, float], bool]] = {
    "at_least": operator.ge,
    "at_most": operator.le,
    "above": operator.gt,
    "below": operator.lt,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A statistic of n measurements, with one-sided 95 % bounds where it is an estimate of something larger.

    `holds` is None where the bounds do not decide. `approximate` bounds mean nothing on a small sample. `total` is
    how many measurements would decide, if no further one were bad. `invalid` says what was no measurement.
    """

    n: int
    holds: bool | None = None
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    approximate: bool = False
    total: int | None = None
    invalid: str = ""
    note: str = ""


def wants_more(condition: Condition) -> bool:
    """Whether large values are the safe ones."""
    return condition.operator in {"at_least", "above"}


def read(condition: Condition, measurement: Measurement) -> Reading:
    """Returns what the measurement says of the condition; its shape must fit the condition's statistic."""
    match measurement:
        case Share():
            return _share(condition, measurement)
        case Count():
            return _count(condition, measurement)
        case Samples():
            return _samples(condition, measurement)
        case Pairs():
            return _pairs(condition, measurement)
        case Paired():
            return _paired(condition, measurement)
        case Gauge():
            return _level(condition, measurement)


def _count(condition: Condition, count: Count) -> Reading:
    if not count.n and not count.count:
        return Reading(n=0)
    return Reading(n=count.n, holds=_HOLDS[condition.operator](count.count, condition.limit), estimate=count.count)


def _level(condition: Condition, level: Gauge) -> Reading:
    if not math.isfinite(level.value):
        return Reading(n=0, invalid=f"the reading is {level.value}")
    return Reading(n=1, holds=_HOLDS[condition.operator](level.value, condition.limit), estimate=level.value)


def _share(condition: Condition, share: Share) -> Reading:
    invalid = f"of {share.unknown} more it could not be told" if share.unknown else ""
    if wants_more(condition):
        total = stats.runs_for_proportion(share.n - share.successes, condition.limit)
    else:
        total = stats.runs_for_proportion(share.successes, 1 - condition.limit)
    if share.n == 0:
        return Reading(n=0, total=total, invalid=invalid)
    estimate = share.successes / share.n
    bounds = stats.proportion_bounds(share.successes, share.n)
    # no sample proves that all are so: such a condition is one about the sample, and min_n says how large
    whole = condition.limit in {0.0, 1.0}
    holds = _HOLDS[condition.operator](estimate, condition.limit) if whole else _decided(condition, bounds)
    return Reading(
        n=share.n, holds=holds, estimate=estimate, low=bounds.low, high=bounds.high, total=total, invalid=invalid
    )


def _samples(condition: Condition, samples: Samples) -> Reading:
    values = samples.values[np.isfinite(samples.values) & (samples.values >= 0)]
    invalid = _unusable(len(samples.values) - len(values), len(samples.values), "samples", "durations")
    n = len(values)
    if n == 0:
        return Reading(n=0, invalid=invalid)
    if condition.quantile is not None:
        inside = int(np.count_nonzero(_HOLDS[condition.operator](values, condition.limit)))  # type: ignore[arg-type]
        bounds = stats.quantile_bounds(values, condition.quantile)
        return Reading(
            n=n,
            holds=_decided(condition, bounds),
            estimate=stats.quantile(values, condition.quantile),
            low=bounds.low,
            high=bounds.high,
            total=None if wants_more(condition) else stats.runs_for_proportion(n - inside, condition.quantile),
            invalid=invalid,
        )
    bounds = stats.mean_bounds(values)
    return Reading(
        n=n,
        holds=_decided(condition, bounds),
        estimate=float(np.mean(values)),
        low=bounds.low,
        high=bounds.high,
        approximate=True,
        total=_larger_sample(condition, float(np.mean(values)), bounds, n),
        invalid=invalid,
    )


def _pairs(condition: Condition, pairs: Pairs) -> Reading:
    usable = _positive(pairs.control) & _positive(pairs.candidate)
    invalid = _unusable(int(np.count_nonzero(~usable)), len(usable), "pairs", "pairs of durations")
    n = int(np.count_nonzero(usable))
    if n == 0:
        return Reading(n=0, invalid=invalid)
    estimate, bounds = stats.bootstrap_ratio(
        pairs.control[usable], pairs.candidate[usable], q=condition.quantile, seed=_SEED
    )
    return Reading(
        n=n,
        holds=_decided(condition, bounds),
        estimate=estimate,
        low=bounds.low,
        high=bounds.high,
        approximate=True,
        total=_larger_sample(condition, estimate, bounds, n),
        invalid=invalid,
    )


def _paired(condition: Condition, pairs: Paired) -> Reading:
    invalid = f"of {pairs.unknown} more pairs it could not be told" if pairs.unknown else ""
    if pairs.n == 0:
        return Reading(n=0, invalid=invalid)
    evidence = (e_value_of_rare if pairs.rare else e_value)(pairs.worse, pairs.better)
    allowed = 1 + (condition.excess or 0)
    control, candidate = (amount(bad / pairs.n, "share") for bad in (pairs.bad_control, pairs.bad_candidate))
    return Reading(
        n=pairs.n,
        holds=evidence < condition.limit or pairs.bad_candidate <= allowed * pairs.bad_control,
        estimate=evidence,
        invalid=invalid,
        note=f"candidate {candidate}, control {control}; {pairs.worse} in the candidate alone",
    )


def _decided(condition: Condition, bounds: Bounds) -> bool | None:
    """Returns True when the bound on the limit's side is safe, False when the opposite one is not, None in between."""
    holds = _HOLDS[condition.operator]
    near, far = (bounds.low, bounds.high) if wants_more(condition) else (bounds.high, bounds.low)
    if near is not None and holds(near, condition.limit):
        return True
    if far is not None and not holds(far, condition.limit):
        return False
    return None


def _larger_sample(condition: Condition, estimate: float, bounds: Bounds, n: int) -> int | None:
    """Returns the sample at which the bound would meet the limit, if it closes in as the root of n grows."""
    bound = bounds.low if wants_more(condition) else bounds.high
    room = condition.limit - estimate
    if bound is None or room == 0 or not _HOLDS[condition.operator](estimate, condition.limit):
        return None
    return max(n, math.ceil(n * ((bound - estimate) / room) ** 2))


def _positive(values: Floats) -> np.typing.NDArray[np.bool_]:
    return np.isfinite(values) & (values > 0)


def _unusable(bad: int, n: int, noun: str, what: str) -> str:
    return f"{bad} of {n} {noun} are not {what}" if bad else ""
