"""The metrics that a policy may name, and how each is measured from the frames of a run. Pure.

A rate counts one execution a trial (the arms `control` and `candidate`), because the second arm of a scenario is no
independent trial of it; what must never happen is counted over all arms of the role.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from cutover.harness.judge.measures.measurements import Count, Gauge, Measurement, Paired, Pairs, Samples, Share, Unit
from cutover.harness.judge.measures.stats import Floats
from cutover.harness.record.memory import Weighed, utilisation
from cutover.harness.record.trials import ArmName

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "METRICS",
    "Frames",
    "Metric",
    "checkpoint_durations",
    "duplicates",
    "execution_success",
    "latencies",
    "peak_memory",
    "retry_success",
    "stuck",
]

_Role: TypeAlias = Literal["control", "candidate"]
_LEAST_SHARE = 0.005
"""Of the time in the engine, what its commits take at the least; V2's take three quarters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frames:
    """A run as pandas frames, one row a trial, arm, checkpoint; `cutover.harness.judge.measures.tally` makes them.

    `cases` counts the crash cases of the candidate whose fault fired, `case_duplicates` what was done twice in all;
    `weighed` is the memory of either engine's process, where it was measured.
    """

    trials: pd.DataFrame
    arms: pd.DataFrame
    checkpoints: pd.DataFrame
    cases: int = 0
    case_duplicates: int = 0
    weighed: tuple[Weighed, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A name that a criterion may use: what shape of measurement it gives, in which unit.

    `measure` is None for what only production can tell; it gives None where the run does not tell. `needs_minutes`:
    its criteria say how long counts as stuck.
    """

    shape: type[Measurement]
    unit: Unit
    measure: Callable[[Frames], Measurement | None] | None
    needs_minutes: bool = False


def execution_success(frames: Frames, role: _Role) -> Share:
    """Executions that ended as the reference model says."""
    arms = _first(frames, role)
    return Share(successes=int(arms["as_expected"].sum()), n=len(arms))


def retry_success(frames: Frames, role: _Role) -> Share:
    """Executions in which a step must be retried and can succeed: those in which every such step did."""
    due = _first(frames, role)
    due = due[due["retry_due"]]
    return Share(successes=int(due["retry_won"].sum()), n=len(due))


def latencies(frames: Frames, role: _Role) -> Floats:
    """Real time spent in the engine, ms, one a trial."""
    return _floats(_first(frames, role)["duration_ms"])


def checkpoint_durations(frames: Frames, role: _Role) -> Floats:
    """What each checkpoint took, ms, from send to acknowledgement."""
    return _floats(frames.checkpoints.loc[frames.checkpoints["role"] == role, "duration_ms"])


def stuck(frames: Frames, role: _Role) -> Count:
    """Executions that would never go on, of all."""
    arms = _all(frames, role)
    return Count(count=int(arms["stuck"].sum()), n=len(arms))


def duplicates(frames: Frames, role: _Role) -> Count:
    """Duplicate effects and duplicate steps, in the executions that were resumed once more after they had settled."""
    arms = _all(frames, role)
    return Count(count=int(arms["duplicates"].sum()), n=int(arms["resumed"].sum()))


def _duplicated_steps(frames: Frames) -> Count:
    """All that the candidate did twice, in executions that were interrupted and resumed."""
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
    control = ~_indexed(frames, "control")["as_expected"].astype(bool)
    candidate = ~_indexed(frames, "candidate")["as_expected"].astype(bool)
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
    control, candidate = _indexed(frames, "control")["duration_ms"], _indexed(frames, "candidate")["duration_ms"]
    both = control.index.intersection(candidate.index)
    return Pairs(control=_floats(control.loc[both]), candidate=_floats(candidate.loc[both]))


def _doubled_latency(frames: Frames) -> Paired:
    """Trials in which one engine's slowest arm took more than twice as long as the other's slowest.

    Between equal engines both are as many. The slowest of two arms, because what is rare and slow then shows nearly
    twice as often, and what holds up one arm by chance counts less.
    """
    slowest = {role: _slowest(frames, role) for role in ("control", "candidate")}
    both = slowest["control"].index.intersection(slowest["candidate"].index)
    control, candidate = (_floats(slowest[role].loc[both]) for role in ("control", "candidate"))
    usable = (control > 0) & (candidate > 0)
    worse = int(np.sum(candidate[usable] > 2 * control[usable]))
    better = int(np.sum(control[usable] > 2 * candidate[usable]))
    n = int(np.count_nonzero(usable))
    return Paired(worse=worse, better=better, bad_control=better, bad_candidate=worse, n=n, unknown=len(usable) - n)


def _slowest(frames: Frames, role: _Role) -> pd.Series[float]:
    """The longest time of a role's arms, by trial; NaN where one of them is no duration."""
    took = _all(frames, role).set_index("trial")["duration_ms"]
    return took.where(took > 0).groupby(level=0).max().where((took > 0).groupby(level=0).all())


def _checkpoint_duration(frames: Frames) -> Samples:
    """What the candidate says of its commits; raises ValueError where that is next to nothing of the harness's time.

    An engine does little else than commit. Seconds for milliseconds would leave a thousandth.
    """
    values = checkpoint_durations(frames, "candidate")
    told, took = float(np.nansum(values)), float(np.nansum(_floats(_all(frames, "candidate")["duration_ms"])))
    if len(values) and 0 < told < _LEAST_SHARE * took:
        raise ValueError(
            f"checkpoints tell of {told:.3g} ms in all, and {took:.3g} ms were spent in the engine: "
            "their duration_ms cannot be milliseconds"
        )
    return Samples(values=values)


def peak_memory(frames: Frames, role: _Role) -> float | None:
    """The most memory that a process with the engine had resident, MiB; None where it was not measured."""
    return next((each.peak_kib / 1024 for each in frames.weighed if each.role == role), None)


def _worker_memory(frames: Frames) -> Gauge | None:
    used = utilisation(frames.weighed)
    return None if used is None else Gauge(value=used)


def _unblamed(frames: Frames, check: Literal["evt", "log"]) -> Share:
    arms = _all(frames, "candidate")
    examined = int(arms[f"{check}_examined"].sum())
    return Share(successes=max(0, examined - int(arms[f"{check}_failed"].sum())), n=examined)


def _all(frames: Frames, role: _Role) -> pd.DataFrame:
    return frames.arms[frames.arms["role"] == role]


def _first(frames: Frames, arm: ArmName) -> pd.DataFrame:
    return frames.arms[frames.arms["arm"] == arm]


def _indexed(frames: Frames, arm: ArmName) -> pd.DataFrame:
    return _first(frames, arm).set_index("trial")


def _floats(column: pd.Series[float]) -> Floats:
    return np.asarray(column, dtype=np.float64)


METRICS: Mapping[str, Metric] = {
    "candidate_only_errors": Metric(shape=Share, unit="share", measure=_candidate_only_errors),
    "checkpoint_duration": Metric(shape=Samples, unit="ms", measure=_checkpoint_duration),
    "critical_bugs": Metric(shape=Count, unit="count", measure=_critical_bugs),
    "days_without_incident": Metric(shape=Gauge, unit="days", measure=None),
    "doubled_latency": Metric(shape=Paired, unit="evidence", measure=_doubled_latency),
    "duplicated_steps": Metric(shape=Count, unit="count", measure=_duplicated_steps),
    "e2e_success": Metric(shape=Share, unit="share", measure=_e2e_success),
    "error_rate": Metric(shape=Share, unit="share", measure=_error_rate),
    "errors_against_control": Metric(shape=Paired, unit="evidence", measure=_errors_against_control),
    "events_registered": Metric(shape=Share, unit="share", measure=lambda frames: _unblamed(frames, "evt")),
    "execution_success": Metric(
        shape=Share, unit="share", measure=lambda frames: execution_success(frames, "candidate")
    ),
    "latency": Metric(shape=Pairs, unit="ratio", measure=_latency),
    "memory_utilisation": Metric(shape=Gauge, unit="share", measure=None),
    "operations_logged": Metric(shape=Share, unit="share", measure=lambda frames: _unblamed(frames, "log")),
    "retry_success": Metric(shape=Share, unit="share", measure=lambda frames: retry_success(frames, "candidate")),
    "stable_days": Metric(shape=Gauge, unit="days", measure=None),
    "stuck_executions": Metric(
        shape=Count, unit="count", measure=lambda frames: stuck(frames, "candidate"), needs_minutes=True
    ),
    "worker_memory": Metric(shape=Gauge, unit="share", measure=_worker_memory),
}
