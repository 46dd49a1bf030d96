"""Durations in bins, on frames of a few literal values."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from cutover.harness.judge.measures.frames import Frames
from cutover.harness.judge.policy.loading import default_policy
from cutover.harness.judge.summaries.distributions import BINS, Distribution, distributions


def spread(control: list[float], candidate: list[float], stage: int = 0) -> Distribution:
    arms = pd.DataFrame(
        [("control", "control", ms) for ms in control] + [("candidate", "candidate", ms) for ms in candidate],
        columns=["arm", "role", "duration_ms"],
    )
    checkpoints = pd.DataFrame({"role": ["candidate"] * len(candidate), "duration_ms": candidate}, dtype="object")
    none = pd.DataFrame()
    frames = Frames(trials=none, arms=arms, checkpoints=checkpoints)
    latency, checkpoint = distributions(frames, default_policy(), stage)
    assert (latency.id, checkpoint.id) == ("latency", "checkpoint")
    return latency


def test_every_usable_value_is_in_a_bin_of_both_engines_shared_scale() -> None:
    made = spread([1.0, 10.0, 100.0], [1.0, 1.0, 1000.0])
    assert (made.edges[0], made.edges[-1], len(made.edges)) == (1.0, 1000.0, BINS + 1)
    assert (sum(made.control), sum(made.candidate)) == (3, 3)
    assert (made.candidate[0], made.candidate[-1]) == (2, 1)
    assert [index for index, count in enumerate(made.control) if count] == [0, 16, 32]  # thirds of the logarithm


def test_what_is_no_duration_is_counted_and_not_drawn() -> None:
    made = spread([math.nan, 2.0], [math.inf, -1.0, 0.0, 3.0])
    assert (made.unusable_control, made.unusable_candidate) == (1, 3)
    assert (sum(made.control), sum(made.candidate)) == (1, 1)


def test_equal_values_have_a_scale_too() -> None:
    made = spread([], [5.0, 5.0])
    assert made.edges[0] < 5.0 < made.edges[-1]
    assert sum(made.candidate) == 2


def test_nothing_measured_is_nothing_drawn() -> None:
    made = spread([], [])
    assert (made.edges, made.control, made.candidate) == ((), (), ())


@pytest.mark.parametrize("stage", [0, 10])
def test_the_limits_are_the_plan_s_and_say_which_stage_asks_them(stage: int) -> None:
    none = pd.DataFrame()
    arms = pd.DataFrame(columns=["arm", "role", "duration_ms"])
    frames = Frames(trials=none, arms=arms, checkpoints=arms)
    checkpoint = distributions(frames, default_policy(), stage)[1]
    asked = {(limit.quantile, limit.limit): limit.here for limit in checkpoint.limits}
    assert asked == {(None, 150.0): stage > 0, (0.95, 200.0): stage > 0, (0.95, 100.0): True}
