"""What the machine had to do with a figure: by hand, from literal readings."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from cutover.harness.judge.measures.frames import Frames
from cutover.harness.judge.measures.machine import MachineFigure, figures, machine_explains
from cutover.harness.judge.measures.tally import Tally
from cutover.harness.judge.summaries.machine import machine_summaries
from cutover.harness.record.machine import MachineReading
from cutover.harness.record.memory import Weighed
from cutover.harness.run.machine.pace import pace_of

QUIET = MachineReading(
    moment="between",
    part="trials",
    round_trip_ms=0.1,
    commit_ms=1.0,
    fork_ms=1.5,
    delay_ms=0.1,
    connections_free=90,
)
CANDIDATE = Weighed(role="candidate", executions=60, idle_kib=20, peak_kib=90, limit_kib=100)
CONTROL = replace(CANDIDATE, role="control", peak_kib=30)


def frames(*machine: MachineReading, took_ms: float = 10.0, weighed: tuple[Weighed, ...] = ()) -> Frames:
    """Twenty arms of the control, of five steps each."""
    made = Tally(()).frames(weighed=weighed, machine=machine)
    arms = pd.DataFrame({"role": ["control"] * 20, "duration_ms": [took_ms] * 20, "steps": [5] * 20})
    return replace(made, arms=arms)


@pytest.mark.parametrize(
    ("commit_ms", "delay_ms", "limit", "explained"),
    [
        (19.0, 0.9, 100, False),
        (19.1, 0.9, 100, True),
        (2.0, 18.0, 100, True),
        (25.0, 0.0, 200, False),
        (40.0, 0.0, 200, True),
        (500.0, 0.0, 100, True),
    ],
)
def test_a_limit_of_which_a_bare_commit_takes_a_fifth_cannot_be_judged(
    commit_ms: float, delay_ms: float, limit: float, *, explained: bool
) -> None:
    slow = [replace(QUIET, commit_ms=commit_ms, delay_ms=delay_ms)] * 20
    told = machine_explains(frames(*slow), "checkpoint_duration", limit, limit + 1)
    assert bool(told) is explained
    assert not told or f"a bare commit took {commit_ms:.3g} ms and a process woke {delay_ms:.3g} ms late" in told


@pytest.mark.parametrize(("estimate", "explained"), [(250.0, True), (250.1, False)])
def test_what_took_over_ten_times_as_long_the_machine_does_not_account_for(estimate: float, *, explained: bool) -> None:
    slow = [replace(QUIET, commit_ms=20.0, delay_ms=5.0)] * 20
    assert bool(machine_explains(frames(*slow), "checkpoint_duration", 100, estimate)) is explained


@pytest.mark.parametrize(
    "readings",
    [
        (),
        (replace(QUIET, commit_ms=500),) * 19,
        (replace(QUIET, commit_ms=500, part="crashes"),) * 40,
        (replace(QUIET, commit_ms=500, moment="before", part=""),) * 40,
        (*((QUIET,) * 39), replace(QUIET, commit_ms=500)),
    ],
)
def test_too_few_readings_or_those_of_other_parts_or_one_alone_explain_nothing(
    readings: tuple[MachineReading, ...],
) -> None:
    assert machine_explains(frames(*readings), "checkpoint_duration", 100, 101) == ""


@pytest.mark.parametrize(("took_ms", "explained"), [(499.0, False), (500.0, True)])
def test_a_control_that_takes_as_long_for_a_step_explains_it(took_ms: float, *, explained: bool) -> None:
    told = machine_explains(frames(took_ms=took_ms), "checkpoint_duration", 100, 101)
    assert told == ("the control took 100 ms for a step (P95), so the limit cannot be judged here" if explained else "")


@pytest.mark.parametrize(
    ("weighed", "told"),
    [
        ((CANDIDATE, CONTROL), ""),
        ((CANDIDATE, replace(CONTROL, peak_kib=80)), ""),
        ((CANDIDATE, replace(CONTROL, peak_kib=81)), "the control's process used 81 % of it"),
        ((replace(CANDIDATE, idle_kib=41), CONTROL), "a process without an engine used 41 % of it"),
        ((replace(CANDIDATE, idle_kib=40), CONTROL), ""),
        ((CANDIDATE,), ""),
    ],
)
def test_memory_that_the_control_or_a_bare_process_uses_too_explains_it(
    weighed: tuple[Weighed, ...], told: str
) -> None:
    assert machine_explains(frames(weighed=weighed), "worker_memory", 0.8, 0.9).partition(", so")[0] == told


def test_no_other_metric_is_the_machine_s() -> None:
    slow = frames(*[replace(QUIET, commit_ms=900)] * 40, took_ms=9_000)
    assert machine_explains(slow, "latency", 1.2, 1.3) == ""
    assert machine_explains(slow, "stuck_executions", 0, 1) == ""


def test_figures_are_the_median_and_the_smallest_value_that_no_more_than_a_twentieth_exceeds() -> None:
    found = figures([replace(QUIET, commit_ms=float(number)) for number in range(1, 21)])
    assert found["commit_ms"] == MachineFigure(median=10.5, p95=19.0)
    assert figures([]) == {}


def test_a_summary_is_of_each_moment_that_was_read() -> None:
    before, after = (
        replace(QUIET, moment="before", part=""),
        replace(QUIET, moment="after", part="", connections_free=7),
    )
    found = machine_summaries([before, before, replace(after, connections_free=9), after])
    assert [(each.moment, each.readings, each.connections_free) for each in found] == [
        ("before", 2, 90),
        ("after", 2, 7),
    ]
    assert machine_summaries([]) == ()


@pytest.mark.parametrize(
    ("reading", "pace"),
    [
        (QUIET, 1.0),
        (replace(QUIET, commit_ms=10.0, round_trip_ms=1.0, fork_ms=10.0, delay_ms=2.0), 1.0),
        (replace(QUIET, commit_ms=35.0), 3.5),
        (replace(QUIET, commit_ms=35.0, delay_ms=10.0), 5.0),
        (replace(QUIET, fork_ms=20.0), 2.0),
        (replace(QUIET, round_trip_ms=4.0), 4.0),
        (replace(QUIET, commit_ms=2_000.0), 10.0),
    ],
)
def test_limits_of_time_follow_what_is_slowest(reading: MachineReading, pace: float) -> None:
    assert pace_of([reading] * 3) == pace
    assert pace_of([reading, *([QUIET] * 2)]) == 1.0


def test_without_readings_limits_stay_as_they_are() -> None:
    assert pace_of([]) == 1.0
