"""One criterion against literal measurements: PASS, FAIL, INCONCLUSIVE with what is still needed, INVALID."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from cutover.harness.judge.findings import Verdict
from cutover.harness.judge.measures.measurements import (
    Count,
    Gauge,
    Measurement,
    Paired,
    Pairs,
    Samples,
    Share,
    Unit,
)
from cutover.harness.judge.policy.criteria import judge
from cutover.harness.judge.policy.model import Condition, Criterion
from cutover.harness.judge.policy.wording import amount, plural, threshold


def criterion(unit: Unit, min_n: int = 1, **condition: Any) -> Criterion:
    return Criterion(
        id="x",
        words="as planned",
        section="s",
        metric="m",
        condition=Condition(**condition),
        unit=unit,
        min_n=min_n,
        severity="gate",
        stages=(0,),
    )


SUCCESS = criterion("share", 1, statistic="share", operator="at_least", limit=0.995)
ERRORS = criterion("share", 59, statistic="share", operator="at_most", limit=0.05)
ALL = criterion("share", 598, statistic="share", operator="at_least", limit=1.0)
NONE = criterion("count", 59, statistic="count", operator="at_most", limit=0)
P95 = criterion("ms", 59, statistic="quantile", operator="below", limit=100, quantile=0.95)
MEAN = criterion("ms", 30, statistic="mean", operator="at_most", limit=150)
SLOWER = criterion("ratio", 100, statistic="ratio", operator="at_most", limit=1.2)
WORSE = criterion("evidence", 59, statistic="paired", operator="below", limit=100, excess=0.1)
MEMORY = criterion("share", 1, statistic="level", operator="at_most", limit=0.8)


def ms(*values: float) -> Samples:
    return Samples(values=np.array(values))


@pytest.mark.parametrize(
    ("of", "measurement", "verdict", "needed"),
    [
        (SUCCESS, Share(successes=598, n=598), "PASS", 0),
        (SUCCESS, Share(successes=597, n=597), "INCONCLUSIVE", 1),
        (SUCCESS, Share(successes=946, n=947), "PASS", 0),
        (SUCCESS, Share(successes=597, n=598), "INCONCLUSIVE", 349),
        (SUCCESS, Share(successes=0, n=0), "INCONCLUSIVE", 598),
        (SUCCESS, Share(successes=590, n=600), "FAIL", None),
        (SUCCESS, Share(successes=598, n=598, unknown=1), "INVALID", None),
        (SUCCESS, Share(successes=0, n=0, unknown=9), "INVALID", None),
        (ERRORS, Share(successes=0, n=59), "PASS", 0),
        (ERRORS, Share(successes=1, n=59), "INCONCLUSIVE", 34),
        (ERRORS, Share(successes=9, n=59), "FAIL", None),
        (ALL, Share(successes=600, n=600), "PASS", 0),
        (ALL, Share(successes=500, n=500), "INCONCLUSIVE", 98),
        (ALL, Share(successes=599, n=600), "FAIL", None),
        (ALL, Share(successes=0, n=1), "FAIL", None),
        (NONE, Count(count=0, n=59), "PASS", 0),
        (NONE, Count(count=0, n=58), "INCONCLUSIVE", 1),
        (NONE, Count(count=0, n=0), "INCONCLUSIVE", 59),
        (NONE, Count(count=1, n=0), "FAIL", None),
        (P95, ms(*[10.0] * 59), "PASS", 0),
        (P95, ms(*[10.0] * 58), "INCONCLUSIVE", 1),
        (P95, ms(*[10.0] * 58, 100.0), "INCONCLUSIVE", 34),
        (P95, ms(*[10.0] * 92, 100.0), "PASS", 0),
        (P95, ms(*[200.0] * 5), "FAIL", None),
        (P95, ms(), "INCONCLUSIVE", 59),
        (P95, ms(*[10.0] * 59, math.nan), "INVALID", None),
        (P95, ms(*[10.0] * 59, -1.0), "INVALID", None),
        (P95, ms(*[math.nan] * 90), "INVALID", None),
        (P95, ms(*[200.0] * 59, math.nan), "FAIL", None),
        (MEAN, ms(*[100.0, 120.0] * 15), "PASS", 0),
        (MEAN, ms(*[100.0, 120.0] * 14), "INCONCLUSIVE", 2),
        (MEAN, ms(*[200.0, 220.0] * 15), "FAIL", None),
        (MEAN, ms(*[200.0, 220.0] * 14), "INCONCLUSIVE", None),
        (MEAN, ms(*[math.inf] * 30), "INVALID", None),
        (SLOWER, Pairs(control=np.full(100, 2.0), candidate=np.full(100, 2.2)), "PASS", 0),
        (SLOWER, Pairs(control=np.full(99, 2.0), candidate=np.full(99, 2.2)), "INCONCLUSIVE", 1),
        (SLOWER, Pairs(control=np.full(100, 2.0), candidate=np.full(100, 2.6)), "FAIL", None),
        (SLOWER, Pairs(control=np.full(1, 2.0), candidate=np.full(1, 2.6)), "INCONCLUSIVE", None),
        (SLOWER, Pairs(control=np.full(100, math.nan), candidate=np.full(100, 2.6)), "INVALID", None),
        (SLOWER, Pairs(control=np.zeros(100), candidate=np.full(100, 2.6)), "INVALID", None),
        (SLOWER, Pairs(control=np.array([]), candidate=np.array([])), "INCONCLUSIVE", 100),
        (WORSE, Paired(worse=9, better=0, bad_control=0, bad_candidate=9, n=100), "FAIL", None),
        (WORSE, Paired(worse=8, better=0, bad_control=0, bad_candidate=8, n=100), "PASS", 0),
        (WORSE, Paired(worse=0, better=9, bad_control=9, bad_candidate=0, n=100), "PASS", 0),
        (WORSE, Paired(worse=9, better=0, bad_control=90, bad_candidate=99, n=100), "PASS", 0),
        (WORSE, Paired(worse=0, better=0, bad_control=0, bad_candidate=0, n=58), "INCONCLUSIVE", 1),
        (WORSE, Paired(worse=0, better=0, bad_control=0, bad_candidate=0, n=0), "INCONCLUSIVE", 59),
        (WORSE, Paired(worse=0, better=0, bad_control=0, bad_candidate=0, n=59, unknown=1), "INVALID", None),
        (WORSE, Paired(worse=9, better=0, bad_control=0, bad_candidate=9, n=59, unknown=1), "FAIL", None),
        (WORSE, Paired(worse=7, better=0, bad_control=0, bad_candidate=7, n=100, rare=True), "PASS", 0),
        (WORSE, Paired(worse=8, better=0, bad_control=0, bad_candidate=8, n=100, rare=True), "FAIL", None),
        (MEMORY, Gauge(value=0.8), "PASS", 0),
        (MEMORY, Gauge(value=0.81), "FAIL", None),
        (MEMORY, Gauge(value=math.nan), "INVALID", None),
    ],
)
def test_verdicts(of: Criterion, measurement: Measurement, verdict: str, needed: int | None) -> None:
    result = judge(of, measurement)
    assert (result.verdict, result.n_needed) == (Verdict(verdict), needed), result.reason


def test_the_bound_is_the_one_that_must_be_safe() -> None:
    result = judge(SUCCESS, Share(successes=598, n=598))
    assert result.bound == result.low
    assert result.low == pytest.approx(0.05 ** (1 / 598))
    assert result.estimate == 1.0
    assert result.reason == "100 % in 598 (95 % bounds 99.5 % and 100 %), wanted >= 99.5 %"
    slow = judge(P95, ms(*range(1, 60)))
    assert (slow.bound, slow.high, slow.threshold) == (59.0, 59.0, "P95 < 100 ms")


def test_what_is_needed_is_said() -> None:
    assert judge(SUCCESS, Share(successes=597, n=598)).reason.endswith("349 more without a failure would decide")
    assert judge(SUCCESS, Share(successes=0, n=0)).reason == "nothing was measured; 598 measurements needed"
    assert "90 of 90 samples are not durations" in judge(P95, ms(*[math.nan] * 90)).reason


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1.0, "share", "100 %"),
        (0.995, "share", "99.5 %"),
        (0.99999, "share", "99.999 %"),
        (1 - 1e-12, "share", "99.9999999999 %"),
        (0.00001, "share", "0.001 %"),
        (0.0, "share", "0 %"),
        (None, "ms", "-"),
        (1234.5, "ms", "1,234 ms"),
        (2.0, "ratio", "2 x"),
        (102.3, "evidence", "E = 102"),
        (1e300, "evidence", "E = 1e+300"),
        (1, "days", "1 day"),
        (1200, "count", "1,200"),
    ],
)
def test_amounts_never_round_to_all_or_nothing(value: float | None, unit: Unit, text: str) -> None:
    assert amount(value, unit) == text


@pytest.mark.parametrize(
    ("of", "text"),
    [
        (SUCCESS, ">= 99.5 %"),
        (ALL, "100 %"),
        (NONE, "0"),
        (P95, "P95 < 100 ms"),
        (MEAN, "mean <= 150 ms"),
        (SLOWER, "duration <= 1.2 x the control's"),
        (WORSE, "E < 100, or share <= 1.1 x the control's"),
        (criterion("days", 1, statistic="level", operator="at_least", limit=3), ">= 3 days"),
        (criterion("days", 1, statistic="level", operator="at_least", limit=1), ">= 1 day"),
    ],
)
def test_thresholds_as_text(of: Criterion, text: str) -> None:
    assert threshold(of) == text


def test_plurals() -> None:
    assert (plural(1, "trial"), plural(2, "criterion"), plural(1_500_000, "fact")) == (
        "1 trial",
        "2 criteria",
        "1,500,000 facts",
    )
