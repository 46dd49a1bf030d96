"""Laws of the statistics, and the false-alarm rates that they claim, by simulation."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from cutover.harness.judge.measures import stats
from cutover.harness.judge.measures.sequential import ALERT, ROLLBACK, e_value, e_value_of_rare

counts = st.integers(1, 3_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(counts)
def test_bounds_enclose_the_estimate_and_tighten_with_successes(pair: tuple[int, int]) -> None:
    k, n = pair
    bounds = stats.proportion_bounds(k, n)
    assert bounds.low is not None
    assert bounds.high is not None
    assert 0 <= bounds.low <= k / n <= bounds.high <= 1
    if k < n:
        more = stats.proportion_bounds(k + 1, n)
        assert more.low is not None
        assert more.low > bounds.low


@given(counts)
def test_failures_and_successes_mirror(pair: tuple[int, int]) -> None:
    k, n = pair
    one, other = stats.proportion_bounds(k, n), stats.proportion_bounds(n - k, n)
    assert one.low is not None
    assert other.high is not None
    assert abs(one.low - (1 - other.high)) < 1e-9


@given(st.integers(0, 20), st.floats(0.01, 0.999))
def test_the_runs_needed_are_the_first_that_are_enough(failures: int, limit: float) -> None:
    runs = stats.runs_for_proportion(failures, limit)
    assert runs is not None
    low = stats.proportion_bounds(runs - failures, runs).low
    assert low is not None
    assert low >= limit - 1e-12
    if runs - 1 > failures:
        before = stats.proportion_bounds(runs - 1 - failures, runs - 1).low
        assert before is not None
        assert before < limit + 1e-12


@given(st.lists(st.floats(0.1, 1e6), min_size=1, max_size=300), st.floats(0.01, 0.99))
def test_quantile_bounds_are_values_of_the_sample_around_the_quantile(values: list[float], q: float) -> None:
    sample = np.array(values)
    bounds = stats.quantile_bounds(sample, q)
    estimate = stats.quantile(sample, q)
    assert bounds.low is None or (bounds.low in values and bounds.low <= estimate)
    assert bounds.high is None or (bounds.high in values and bounds.high >= estimate)


@given(st.lists(st.floats(0, 1), max_size=20))
def test_holm_rejects_the_smallest_first_and_never_more_than_the_plain_test(p_values: list[float]) -> None:
    rejected = stats.holm(p_values, 0.05)
    kept = [p for p, out in zip(p_values, rejected, strict=True) if not out]
    gone = [p for p, out in zip(p_values, rejected, strict=True) if out]
    assert all(p <= 0.05 for p in gone)
    assert not gone or not kept or max(gone) <= min(kept)


@given(st.integers(0, 200), st.integers(0, 200))
def test_e_is_a_martingale_or_less_under_the_null(b: int, g: int) -> None:
    # at p = 1/2 a martingale: the mean of the two next values is the present one; each further bad pair weighs more
    assert abs((e_value(b + 1, g) + e_value(b, g + 1)) / 2 / e_value(b, g) - 1) < 1e-9
    assert e_value(b + 1, g) > e_value(b, g) > e_value(b, g + 1)
    assert abs((e_value_of_rare(b + 1, g) + e_value_of_rare(b, g + 1)) / 2 / e_value_of_rare(b, g) - 1) < 1e-9
    assert e_value_of_rare(b + 1, g) > e_value_of_rare(b, g) > e_value_of_rare(b, g + 1)


def test_false_alarms_with_a_look_after_each_of_400_pairs() -> None:
    # 20,000 runs of 400 pairs, all discordant, the candidate exactly as bad as the control: the worst case
    rng = np.random.default_rng(20250108)
    table = np.array([[e_value(b, n - b) if b <= n else 0.0 for b in range(401)] for n in range(401)])
    worse = np.cumsum(rng.integers(0, 2, (20_000, 400)), axis=1)
    highest = table[np.arange(1, 401), worse].max(axis=1)
    assert np.mean(highest >= ALERT) < 0.05
    assert np.mean(highest >= ROLLBACK) < 0.01
    assert np.mean(highest >= ALERT) > 0.005  # it does fire: the simulation is not empty


def test_proportion_bound_errs_in_at_most_one_of_twenty() -> None:
    # exactly, by summing the binomial law over the counts at which the bound is wrong
    for n, p in ((600, 0.995), (598, 0.995), (100, 0.8), (300, 0.3)):
        low = np.array([stats.proportion_bounds(k, n).low for k in range(n + 1)], dtype=float)
        assert binom.pmf(np.arange(n + 1)[low > p], n, p).sum() <= 0.05


def test_quantile_bound_errs_in_at_most_one_of_twenty() -> None:
    rng = np.random.default_rng(6)
    samples = rng.pareto(1.5, (4_000, 120))
    truth = 20 ** (1 / 1.5) - 1  # the P95 of Lomax with shape 1.5
    highs = np.array([stats.quantile_bounds(sample, 0.95).high for sample in samples], dtype=float)
    assert np.mean(highs < truth) <= 0.055  # 5 %, and three standard errors at 4,000 samples would be 6 %
