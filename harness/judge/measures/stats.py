"""Exact bounds and tests, each with its source named. Pure.

All bounds are one-sided and hold with 95 % confidence (ALPHA).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

from cutover.harness.judge.findings import Verdict

__all__ = [
    "ALPHA",
    "Bounds",
    "Floats",
    "bootstrap_ratio",
    "holm",
    "mean_bounds",
    "proportion_bounds",
    "quantile",
    "quantile_bounds",
    "runs_for_proportion",
    "sign_test",
    "split_check",
]

ALPHA = 0.05
_RESAMPLES = 2_000
_FEWEST_RESAMPLES = 200
_DRAWS = 20_000_000
_AT_ONCE = 1_000_000
_MOST_RUNS = 1 << 40

Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Bounds:
    """A one-sided 95 % lower and a one-sided 95 % upper bound; None where the sample is too small for one."""

    low: float | None
    high: float | None


def proportion_bounds(successes: int, n: int, alpha: float = ALPHA) -> Bounds:
    """Returns exact bounds of a proportion: Clopper and Pearson, Biometrika 26 (1934), as quantiles of the beta law."""
    _require_counts(successes, n)
    low = 0.0 if successes == 0 else float(special.betaincinv(successes, n - successes + 1, alpha))
    high = 1.0 if successes == n else float(special.betaincinv(successes + 1, n - successes, 1 - alpha))
    return Bounds(low, high)


def runs_for_proportion(failures: int, limit: float, alpha: float = ALPHA) -> int | None:
    """Returns the fewest runs, `failures` of them failed, whose Clopper-Pearson lower bound reaches `limit`.

    None where no number does (a limit of 1 and above). Without a failure it is ln(alpha) / ln(limit): 598 for 99.5 %.
    Raises ValueError for a negative count.
    """
    if failures < 0:
        raise ValueError(f"failures must not be negative: {failures}")
    if limit >= 1:
        return None
    if limit <= 0:
        return failures + 1
    enough = failures + 1
    while _at_least(enough, enough - failures, limit) > alpha:
        enough *= 2
        if enough > _MOST_RUNS:
            return None
    short = max(failures, enough // 2)
    while enough - short > 1:
        middle = (enough + short) // 2
        if _at_least(middle, middle - failures, limit) > alpha:
            short = middle
        else:
            enough = middle
    return enough


def quantile(values: Floats, q: float) -> float:
    """Returns the smallest value that a share q of the values does not exceed (Hyndman and Fan 1996, type 1)."""
    return float(np.quantile(values, q, method="inverted_cdf"))


def _row_quantiles(rows: Floats, q: float) -> Floats:
    """Returns the quantile of each row, as `quantile` defines it."""
    n = rows.shape[1]
    place = min(n, max(1, math.ceil(n * q))) - 1
    return np.asarray(np.partition(rows, place, axis=1)[:, place], dtype=np.float64)


def quantile_bounds(values: Floats, q: float, alpha: float = ALPHA) -> Bounds:
    """Returns order statistics that bound a quantile under any law: David and Nagaraja, Order Statistics (2003), 7.1.

    The k-th smallest is at or above it with probability P(Bin(n, q) < k), at or below it with P(Bin(n, q) >= k). An
    upper bound for P95 needs n = 59, one for P99 needs 299. Raises ValueError for a `q` that is not between 0 and 1.
    """
    if not 0 < q < 1:
        raise ValueError(f"a quantile lies between 0 and 1: {q}")
    ranked = np.sort(values)
    n = len(ranked)
    above = _smallest(n, lambda k: _at_least(n, k, q) <= alpha)
    below = _smallest(n, lambda k: _at_least(n, k, q) < 1 - alpha) if n else None
    below = n if below is None else below - 1
    return Bounds(
        low=float(ranked[below - 1]) if below >= 1 else None,
        high=float(ranked[above - 1]) if above is not None else None,
    )


def mean_bounds(values: Floats, alpha: float = ALPHA) -> Bounds:
    """Returns bounds of a mean that allow for skewness, as latencies need it.

    Hall's monotone cubic transformation of Student's t (JRSS B 54, 1992, 221-228), which Zhou and Gao (The American
    Statistician 54, 2000, 100-104) recommend for one-sided bounds of skewed data; with t in place of normal quantiles.
    """
    n = len(values)
    if n < 2:
        return Bounds(None, None)
    mean = float(np.mean(values))
    spread = float(np.std(values, ddof=1))
    if spread <= abs(mean) * 1e-12:
        return Bounds(mean, mean)
    skew = float(np.mean(((values - mean) / spread) ** 3))
    critical = float(special.stdtrit(n - 1, 1 - alpha))
    step = spread / math.sqrt(n)
    return Bounds(
        low=mean - _unskewed(critical, skew, n) * step,
        high=mean - _unskewed(-critical, skew, n) * step,
    )


def bootstrap_ratio(
    control: Floats, candidate: Floats, *, q: float | None, seed: int, alpha: float = ALPHA
) -> tuple[float, Bounds]:
    """Returns how many times as large the candidate's values are: the estimate and its percentile bootstrap bounds.

    Pairs are resampled, so what a scenario costs on both sides cancels out: Efron and Tibshirani, An Introduction to
    the Bootstrap (1993), 13.3. With `q` it is the ratio of the two q-quantiles, without it the geometric mean of the
    pairs' ratios. Beyond 10,000 pairs fewer resamples are drawn (200 at least), so that the cost stays bounded.
    Raises ValueError where there is no pair, or a value that is not positive.
    """
    n = len(control)
    if n != len(candidate) or n == 0:
        raise ValueError(f"pairs needed: {n} values of the control, {len(candidate)} of the candidate")
    if not (np.all(control > 0) and np.all(candidate > 0)):
        raise ValueError("ratios need positive values on both sides")
    logs = np.log(candidate / control)

    def statistic(rows: NDArray[np.intp]) -> Floats:
        """Returns one value for each row of indices."""
        if q is None:
            return np.asarray(np.exp(np.mean(logs[rows], axis=1)), dtype=np.float64)
        return _row_quantiles(candidate[rows], q) / _row_quantiles(control[rows], q)

    resamples = min(_RESAMPLES, max(_FEWEST_RESAMPLES, _DRAWS // n))
    rng = np.random.default_rng(seed)
    at_once = max(1, min(resamples, _AT_ONCE // n))
    drawn = np.concatenate(
        [statistic(rng.integers(0, n, (min(at_once, resamples - begun), n))) for begun in range(0, resamples, at_once)]
    )
    estimate = float(statistic(np.arange(n)[np.newaxis, :])[0])
    return estimate, Bounds(quantile(drawn, alpha), quantile(drawn, 1 - alpha))


def sign_test(worse: int, better: int) -> float:
    """Returns the exact one-sided p-value that `worse` outweighs `better`: P(Bin(worse + better, 1/2) >= worse).

    Arbuthnott 1710; Conover, Practical Nonparametric Statistics (1999), 3.4. Raises ValueError for a negative count.
    """
    if worse < 0 or better < 0:
        raise ValueError(f"counts must not be negative: {worse}, {better}")
    return _at_least(worse + better, worse, 0.5)


def holm(p_values: Sequence[float], alpha: float) -> tuple[bool, ...]:
    """Returns which of the hypotheses are rejected when all together may err with probability alpha.

    The step-down procedure of Holm, Scandinavian Journal of Statistics 6 (1979), 65-70.
    """
    rejected = [False] * len(p_values)
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        if not p_values[index] <= alpha / (len(p_values) - rank):
            break
        rejected[index] = True
    return tuple(rejected)


def split_check(observed: Sequence[int], shares: Sequence[float]) -> tuple[Verdict, float | None]:
    """Whether executions were split as planned, and the p-value of Pearson's chi-square test (1900).

    INVALID below p = 0.001: what follows would compare two different populations (sample ratio mismatch, Fabijan et
    al., KDD 2019). INCONCLUSIVE below 100 executions. A share of 0 must stay empty. Raises ValueError where
    counts and shares do not fit each other, or the shares do not sum to 1.
    """
    if len(observed) != len(shares) or not math.isclose(math.fsum(shares), 1) or min(*shares, *observed) < 0:
        raise ValueError(f"one count and one share each, the shares summing to 1: {observed}, {shares}")
    n = sum(observed)
    if any(count for count, share in zip(observed, shares, strict=True) if share == 0):
        return Verdict.INVALID, 0.0
    if n < 100:
        return Verdict.INCONCLUSIVE, None
    planned = [(count, n * share) for count, share in zip(observed, shares, strict=True) if share > 0]
    statistic = math.fsum((count - wanted) ** 2 / wanted for count, wanted in planned)
    p_value = float(special.chdtrc(len(planned) - 1, statistic)) if len(planned) > 1 else 1.0
    return (Verdict.INVALID if p_value < 0.001 else Verdict.PASS), p_value


def _at_least(n: int, k: int, p: float) -> float:
    """P(Bin(n, p) >= k), by the incomplete beta function."""
    if k <= 0:
        return 1.0
    return float(special.betainc(k, n - k + 1, p)) if k <= n else 0.0


def _smallest(n: int, holds: Callable[[int], bool]) -> int | None:
    """Returns the smallest k in 1..n from which `holds` is true on; None where it is for none."""
    if n == 0 or not holds(n):
        return None
    short, enough = 0, n
    while enough - short > 1:
        middle = (enough + short) // 2
        if holds(middle):
            enough = middle
        else:
            short = middle
    return enough


def _unskewed(y: float, skew: float, n: int) -> float:
    """Hall's transformation inverted: the t whose transform is y."""
    a = skew / math.sqrt(n)
    if abs(a) < 1e-9:
        return y
    return 3 / a * (float(np.cbrt(1 + a * (y - a / 6))) - 1)


def _require_counts(successes: int, n: int) -> None:
    if not 0 <= successes <= n or n == 0:
        raise ValueError(f"successes must lie between 0 and n, and n above 0: {successes} of {n}")
