"""Measures metrics on the trials and crash cases of a run. Pure.

A rate counts one execution a trial (the arms `control` and `candidate`), because the second arm of a scenario is not an
independent trial of it; what must never happen is counted over all arms of the role.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from cutover.engines.roles import Role
from cutover.harness.judge.measures.frames import (
    Frames,
    arms_of,
    by_trial,
    checkpoint_durations,
    duplicates,
    execution_success,
    floats,
    retry_success,
    stuck,
)
from cutover.harness.judge.measures.measurements import Count, Gauge, Measurement, Paired, Pairs, Samples, Share
from cutover.harness.record.memory import utilisation

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["TRIAL_METRICS", "TrialMeasurements"]

_LEAST_SHARE = 0.005
"""Of the time in the engine, what its commits take at the least; V2's take three quarters."""


@dataclass(frozen=True, slots=True)
class TrialMeasurements:
    """What a run measured: a source of measurements for everything but what only production can tell."""

    frames: Frames

    @property
    def metrics(self) -> Collection[str]:
        """The metrics that can be measured on trials and crash cases."""
        return TRIAL_METRICS

    def measure(self, metric: str) -> Measurement | None:
        """Returns what the run says of a metric, None where it says nothing; raises ValueError for a wrong unit."""
        return _MEASURED[metric](self.frames)


def _duplicated_steps(frames: Frames) -> Count:
    """Returns how often the candidate did something twice, in executions that were interrupted and resumed."""
    return Count(count=duplicates(frames, "candidate").count + frames.case_duplicates, n=frames.cases)


def _e2e_success(frames: Frames) -> Share:
    known = frames.trials[~frames.trials["unknown"]]
    failed = int(known["failed"].sum())
    return Share(successes=len(known) - failed, n=len(known), unknown=len(frames.trials) - len(known))


def _critical_bugs(frames: Frames) -> Count:
    return Count(count=int(frames.trials["regressions"].sum()), n=len(frames.trials))


def _error_rate(frames: Frames) -> Share:
    good = execution_success(frames, "candidate")
    return Share(successes=good.n - good.successes, n=good.n)


def _errors_against_control(frames: Frames) -> Paired:
    control = ~by_trial(frames, "control")["as_expected"].astype(bool)
    candidate = ~by_trial(frames, "candidate")["as_expected"].astype(bool)
    both = control.index.intersection(candidate.index)
    bad_control, bad_candidate = control.loc[both], candidate.loc[both]
    return Paired(
        worse=int((bad_candidate & ~bad_control).sum()),
        better=int((bad_control & ~bad_candidate).sum()),
        bad_control=int(bad_control.sum()),
        bad_candidate=int(bad_candidate.sum()),
        n=len(both),
    )


def _candidate_only_errors(frames: Frames) -> Share:
    pairs = _errors_against_control(frames)
    return Share(successes=pairs.worse, n=pairs.n)


def _latency(frames: Frames) -> Pairs:
    control, candidate = by_trial(frames, "control")["duration_ms"], by_trial(frames, "candidate")["duration_ms"]
    both = control.index.intersection(candidate.index)
    return Pairs(control=floats(control.loc[both]), candidate=floats(candidate.loc[both]))


def _doubled_latency(frames: Frames) -> Paired:
    """Returns the trials in which one engine's slowest arm took more than twice as long as the other's slowest.

    Between equal engines both are as many. The slowest of two arms, because what is rare and slow then shows nearly
    twice as often, and what holds up one arm by chance counts less.
    """
    slowest = {role: _slowest(frames, role) for role in ("control", "candidate")}
    both = slowest["control"].index.intersection(slowest["candidate"].index)
    control, candidate = (floats(slowest[role].loc[both]) for role in ("control", "candidate"))
    usable = (control > 0) & (candidate > 0)
    worse = int(np.sum(candidate[usable] > 2 * control[usable]))
    better = int(np.sum(control[usable] > 2 * candidate[usable]))
    n = int(np.count_nonzero(usable))
    return Paired(worse=worse, better=better, bad_control=better, bad_candidate=worse, n=n, unknown=len(usable) - n)


def _slowest(frames: Frames, role: Role) -> pd.Series[float]:
    """Returns the longest time of a role's arms, by trial; NaN where one of them is not a duration."""
    took = arms_of(frames, role).set_index("trial")["duration_ms"]
    return took.where(took > 0).groupby(level=0).max().where((took > 0).groupby(level=0).all())


def _checkpoint_duration(frames: Frames) -> Samples:
    """Returns what the candidate says of its commits; raises ValueError where that is almost none of the time spent.

    An engine does little else than commit. Seconds for milliseconds would leave a thousandth.
    """
    values = checkpoint_durations(frames, "candidate")
    told, took = float(np.nansum(values)), float(np.nansum(floats(arms_of(frames, "candidate")["duration_ms"])))
    if len(values) and 0 < told < _LEAST_SHARE * took:
        raise ValueError(
            f"checkpoints tell of {told:.3g} ms in all, and {took:.3g} ms were spent in the engine: "
            "their duration_ms cannot be milliseconds"
        )
    return Samples(values=values)


def _worker_memory(frames: Frames) -> Gauge | None:
    used = utilisation(frames.weighed)
    return None if used is None else Gauge(value=used)


def _unblamed(frames: Frames, check: Literal["evt", "log"]) -> Share:
    arms = arms_of(frames, "candidate")
    examined = int(arms[f"{check}_examined"].sum())
    return Share(successes=max(0, examined - int(arms[f"{check}_failed"].sum())), n=examined)


_MEASURED: Final[Mapping[str, Callable[[Frames], Measurement | None]]] = MappingProxyType(
    {
        "candidate_only_errors": _candidate_only_errors,
        "checkpoint_duration": _checkpoint_duration,
        "critical_bugs": _critical_bugs,
        "doubled_latency": _doubled_latency,
        "duplicated_steps": _duplicated_steps,
        "e2e_success": _e2e_success,
        "error_rate": _error_rate,
        "errors_against_control": _errors_against_control,
        "events_registered": lambda frames: _unblamed(frames, "evt"),
        "execution_success": lambda frames: execution_success(frames, "candidate"),
        "latency": _latency,
        "operations_logged": lambda frames: _unblamed(frames, "log"),
        "retry_success": lambda frames: retry_success(frames, "candidate"),
        "stuck_executions": lambda frames: stuck(frames, "candidate"),
        "worker_memory": _worker_memory,
    }
)
TRIAL_METRICS: Final = frozenset(_MEASURED)
"""The metrics that can be measured on trials and crash cases; all others only production can tell."""
