"""The statistics against scipy, published tables and values worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats as reference

from cutover.harness.judge.findings import Verdict
from cutover.harness.judge.measures import stats
from cutover.harness.judge.measures.sequential import e_value, e_value_of_rare


@pytest.mark.parametrize(("k", "n"), [(0, 10), (1, 10), (10, 10), (597, 598), (598, 598), (3, 7), (50_000, 100_000)])
def test_clopper_pearson_is_scipys(k: int, n: int) -> None:
    bounds = stats.proportion_bounds(k, n)
    low = reference.binomtest(k, n, alternative="greater").proportion_ci(0.95, method="exact").low
    high = reference.binomtest(k, n, alternative="less").proportion_ci(0.95, method="exact").high
    assert bounds.low == pytest.approx(low, rel=1e-9)
    assert bounds.high == pytest.approx(high, rel=1e-9)


def test_clopper_pearson_table() -> None:
    # Rule of three, exactly: 1 - 0.05^(1/n); and the textbook interval for 4 of 20 at 90 % two-sided (0.0714, 0.4010)
    assert stats.proportion_bounds(300, 300).low == pytest.approx(0.05 ** (1 / 300), rel=1e-12)
    bounds = stats.proportion_bounds(4, 20)
    assert bounds.low == pytest.approx(0.0714, abs=5e-5)
    assert bounds.high == pytest.approx(0.4010, abs=5e-5)


@pytest.mark.parametrize(("k", "n"), [(0, 0), (-1, 5), (6, 5)])
def test_impossible_counts_are_refused(k: int, n: int) -> None:
    with pytest.raises(ValueError, match="successes"):
        stats.proportion_bounds(k, n)


@pytest.mark.parametrize(
    ("failures", "limit", "runs"),
    [(0, 0.995, 598), (1, 0.995, 947), (0, 0.95, 59), (1, 0.95, 93), (2, 0.95, 124), (0, 0.99, 299), (0, 0.8, 14)],
)
def test_runs_for_a_proportion_as_published(failures: int, limit: float, runs: int) -> None:
    # 59, 93, 124 are the sample sizes of Wilks's tolerance limits (95/95), 598 and 947 those of the rollout plan
    assert stats.runs_for_proportion(failures, limit) == runs
    low, before = (
        reference.binomtest(n - failures, n, alternative="greater").proportion_ci(0.95, method="exact").low
        for n in (runs, runs - 1)
    )
    assert low >= limit > before


def test_no_number_of_runs_proves_certainty() -> None:
    assert stats.runs_for_proportion(0, 1.0) is None
    assert stats.runs_for_proportion(0, 1 - 1e-15) is None
    assert stats.runs_for_proportion(3, 0.0) == 4


def test_failures_of_a_proportion_are_counted_from_zero() -> None:
    with pytest.raises(ValueError, match="negative"):
        stats.runs_for_proportion(-1, 0.9)


@pytest.mark.parametrize(("q", "n"), [(0.95, 59), (0.99, 299), (0.5, 5)])
def test_an_upper_bound_of_a_quantile_needs_that_many(q: float, n: int) -> None:
    values = np.arange(1.0, n + 1)
    assert stats.quantile_bounds(values, q).high == n
    assert stats.quantile_bounds(values[:-1], q).high is None


def test_quantile_bounds_by_the_binomial_table() -> None:
    # P(Bin(20, 1/2) <= 5) = 0.0207, P(<= 6) = 0.0577: so the 6th smallest from below and the 15th from above
    bounds = stats.quantile_bounds(np.arange(20.0, 0, -1), 0.5)
    assert (bounds.low, bounds.high) == (6.0, 15.0)


def test_quantile_bounds_agree_with_scipys_binomial() -> None:
    values = np.arange(1.0, 1001)
    for q in (0.05, 0.5, 0.9, 0.95, 0.99):
        bounds = stats.quantile_bounds(values, q)
        ranks = np.arange(1, 1001)
        assert bounds.high == ranks[reference.binom.cdf(ranks - 1, 1000, q) >= 0.95][0]
        assert bounds.low == ranks[reference.binom.sf(ranks - 1, 1000, q) >= 0.95][-1]


def test_an_empty_sample_has_no_quantile_bounds() -> None:
    assert stats.quantile_bounds(np.array([]), 0.5) == stats.Bounds(None, None)


def test_a_quantile_lies_between_nought_and_one() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        stats.quantile_bounds(np.array([1.0]), 1.0)


def test_quantile_takes_a_value_of_the_sample() -> None:
    assert stats.quantile(np.array([4.0, 1.0, 3.0, 2.0]), 0.5) == 2.0
    assert stats.quantile(np.array([4.0, 1.0, 3.0, 2.0]), 0.51) == 3.0


def test_mean_bounds_of_a_symmetric_sample_are_students() -> None:
    values = np.array([-2.0, -1.0, 0.0, 1.0, 2.0]) + 10
    half = float(reference.t.ppf(0.95, 4)) * math.sqrt(2.5 / 5)
    assert stats.mean_bounds(values).low == pytest.approx(10 - half)
    assert stats.mean_bounds(values).high == pytest.approx(10 + half)


def test_mean_bounds_of_a_constant_or_of_nothing() -> None:
    assert stats.mean_bounds(np.array([3.0, 3.0, 3.0])) == stats.Bounds(3.0, 3.0)
    assert stats.mean_bounds(np.array([3.0])) == stats.Bounds(None, None)


def test_mean_upper_bound_covers_a_skewed_law() -> None:
    # Exponential, mean 1, n = 40: Student's bound covers about 91 %; the transformed one must come nearer to 95 %
    rng = np.random.default_rng(7)
    samples = rng.exponential(1.0, (2_000, 40))
    uppers = [stats.mean_bounds(sample).high for sample in samples]
    assert sum(upper is not None and upper >= 1 for upper in uppers) / 2_000 >= 0.93


def test_ratio_of_pairs_by_hand() -> None:
    control = np.array([1.0, 2.0, 4.0] * 20)
    estimate, bounds = stats.bootstrap_ratio(control, control * 1.5, q=None, seed=1)
    assert estimate == pytest.approx(1.5)
    assert bounds.low == pytest.approx(1.5)
    assert bounds.high == pytest.approx(1.5)
    tail = control.copy()
    tail[:3] = 40.0
    assert stats.bootstrap_ratio(control, tail, q=0.99, seed=1)[0] == 10.0


def test_ratio_bounds_are_repeatable_and_cover() -> None:
    rng = np.random.default_rng(11)
    covered = 0
    for seed in range(200):
        control = rng.lognormal(0, 1, 100)
        candidate = control * rng.lognormal(math.log(1.2), 0.3, 100)
        _, bounds = stats.bootstrap_ratio(control, candidate, q=None, seed=seed)
        assert bounds == stats.bootstrap_ratio(control, candidate, q=None, seed=seed)[1]
        assert bounds.high is not None
        covered += bounds.high >= 1.2
    assert covered >= 180  # 95 % of 200 is 190; three standard errors below it is 181


@pytest.mark.parametrize("bad", [0.0, math.nan, -1.0])
def test_ratios_refuse_what_has_no_ratio(bad: float) -> None:
    with pytest.raises(ValueError, match="positive"):
        stats.bootstrap_ratio(np.array([1.0, bad]), np.array([1.0, 1.0]), q=None, seed=1)


def test_ratios_need_pairs() -> None:
    with pytest.raises(ValueError, match="pairs needed"):
        stats.bootstrap_ratio(np.array([1.0]), np.array([1.0, 2.0]), q=None, seed=1)


@pytest.mark.parametrize(("worse", "better"), [(0, 0), (5, 0), (5, 2), (0, 5), (60, 40)])
def test_sign_test_is_scipys(worse: int, better: int) -> None:
    n = worse + better
    expected = reference.binomtest(worse, n, 0.5, alternative="greater").pvalue if n else 1.0
    assert stats.sign_test(worse, better) == pytest.approx(expected)


def test_holm_by_the_published_example() -> None:
    # Four hypotheses at 0.05: 0.005 <= 0.05/4, 0.01 <= 0.05/3, 0.03 > 0.05/2, and all above it stay
    assert stats.holm([0.01, 0.04, 0.03, 0.005], 0.05) == (True, False, False, True)
    assert stats.holm([], 0.05) == ()
    assert stats.holm([math.nan], 0.05) == (False,)


def test_split_check_is_scipys_chi_square() -> None:
    verdict, p_value = stats.split_check([880, 120], [0.9, 0.1])
    assert p_value == pytest.approx(reference.chisquare([880, 120], [900, 100]).pvalue)
    assert verdict is Verdict.PASS
    assert stats.split_check([850, 150], [0.9, 0.1])[0] is Verdict.INVALID


def test_split_check_needs_a_hundred_and_an_empty_side_stays_empty() -> None:
    assert stats.split_check([99, 0], [0.5, 0.5])[0] is Verdict.INCONCLUSIVE
    assert stats.split_check([100, 0], [1.0, 0.0]) == (Verdict.PASS, 1.0)
    assert stats.split_check([99, 1], [1.0, 0.0])[0] is Verdict.INVALID
    with pytest.raises(ValueError, match="summing to 1"):
        stats.split_check([1, 1], [0.5, 0.6])


@pytest.mark.parametrize(("b", "g", "e"), [(0, 0, 1.0), (7, 0, 31.9), (9, 0, 102.3), (11, 1, 52.4)])
def test_e_values_as_published(b: int, g: int, e: float) -> None:
    assert e_value(b, g) == pytest.approx(e, abs=0.05)


def test_e_value_is_the_integral_that_defines_it() -> None:
    p = np.linspace(0.5, 1, 200_001)
    for b, g in ((3, 2), (12, 7), (1, 6)):
        integral = float(np.trapezoid(p**b * (1 - p) ** g, p)) * 2 * 2.0 ** (b + g)
        assert e_value(b, g) == pytest.approx(integral, rel=1e-6)


def test_e_value_at_the_ends() -> None:
    assert e_value(100_000, 0) > 1e300
    assert 0 <= e_value(0, 100_000) < 0.001
    with pytest.raises(ValueError, match="negative"):
        e_value(-1, 0)


def test_what_hardly_ever_happens_weighs_more_until_the_control_does_it_too() -> None:
    assert e_value_of_rare(4, 0) == pytest.approx((16 + e_value(4, 0)) / 2)
    assert e_value_of_rare(4, 0) < 20 < e_value_of_rare(5, 0)
    assert e_value_of_rare(7, 1) == e_value(7, 1) / 2
    assert e_value_of_rare(100_000, 0) > 1e300
