"""Measures metrics on the trials and crash cases of a run. Pure.

A share counts the trials that were drawn by chance, each content once, and one execution a trial (the arms `control`
and `candidate`), because the second arm of a scenario is not an independent trial of it. What must never happen is
counted over all trials and all arms of the role; its n is the sample's. Durations are compared in all trials.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from cutover.harness.judge.measures import tails
from cutover.harness.judge.measures.frames import (
    Frames,
    arms_of,
    by_trial,
    checkpoint_durations,
    duplicates,
    execution_success,
    floats,
    retry_success,
    sample,
    stuck,
)
from cutover.harness.judge.measures.machine import machine_explains
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

    def explains(self, metric: str, limit: float, estimate: float) -> str:
        """Returns what the run's machine had to do with it, if it had."""
        return machine_explains(self.frames, metric, limit, estimate)


def _duplicated_steps(frames: Frames) -> Count:
    """Returns how often the candidate did something twice, in executions that were interrupted and resumed."""
    return Count(count=duplicates(frames, "candidate").count + frames.case_duplicates, n=frames.cases)


def _e2e_success(frames: Frames) -> Share:
    return _passed(sample(frames))


def _catalog_success(frames: Frames) -> Share:
    """Returns the trials outside the sample that passed: the catalog's, files', and repeats of what was drawn."""
    return _passed(frames.trials[~frames.trials["trial"].isin(sample(frames)["trial"])])


def _passed(trials: pd.DataFrame) -> Share:
    known = trials[~trials["unknown"]]
    failed = int(known["failed"].sum())
    return Share(successes=len(known) - failed, n=len(known), unknown=len(trials) - len(known))


def _critical_bugs(frames: Frames) -> Count:
    return Count(count=int(frames.trials["regressions"].sum()), n=len(sample(frames)))


def _error_rate(frames: Frames) -> Share:
    good = execution_success(frames, "candidate")
    return Share(successes=good.n - good.successes, n=good.n)


def _errors_against_control(frames: Frames) -> Paired:
    control = ~by_trial(frames, "control")["as_expected"].astype(bool)
    candidate = ~by_trial(frames, "candidate")["as_expected"].astype(bool)
    both = control.index.intersection(candidate.index).intersection(list(sample(frames)["trial"]))
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
        "catalog_success": _catalog_success,
        "checkpoint_duration": _checkpoint_duration,
        "critical_bugs": _critical_bugs,
        "delayed_latency": tails.delayed_latency,
        "doubled_latency": tails.doubled_latency,
        "duplicated_steps": _duplicated_steps,
        "e2e_success": _e2e_success,
        "error_rate": _error_rate,
        "errors_against_control": _errors_against_control,
        "events_registered": lambda frames: _unblamed(frames, "evt"),
        "execution_success": lambda frames: execution_success(frames, "candidate"),
        "latency": _latency,
        "operations_logged": lambda frames: _unblamed(frames, "log"),
        "retry_success": lambda frames: retry_success(frames, "candidate"),
        "stalled_latency": tails.stalled_latency,
        "stuck_executions": lambda frames: stuck(frames, "candidate"),
        "tail_latency": tails.tail_latency,
        "worker_memory": _worker_memory,
    }
)
TRIAL_METRICS: Final = frozenset(_MEASURED)
"""The metrics that can be measured on trials and crash cases; all others only production can tell."""
