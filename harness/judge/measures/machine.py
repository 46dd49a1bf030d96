"""What the machine had to do with a figure: where it explains one, no absolute limit can be judged on it. Pure.

Only a failure is ever explained away, into a question: a candidate that keeps a limit on a slow machine keeps it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from cutover.harness.judge.measures.frames import Frames, arms_of, floats
from cutover.harness.judge.measures.stats import Floats, quantile
from cutover.harness.record.machine import MachineReading
from cutover.harness.record.memory import utilisation

__all__ = ["MachineFigure", "figures", "machine_explains"]

_SHARE: Final = 0.2
"""Of a limit of time, what the machine alone may take."""
_TIMES: Final = 10
"""How many times as long what it accounts for may have taken: a checkpoint does more than a bare commit does."""
_LEAST: Final = 20
"""Readings from which a P95 can be told at all."""
_RANK: Final = 0.95


@dataclass(frozen=True, slots=True)
class MachineFigure:
    """The median and the P95 of what was read."""

    median: float
    p95: float


def figures(readings: Sequence[MachineReading]) -> dict[str, MachineFigure]:
    """Returns the figures of round trip, commit, fork and delay, ms, by the names of their fields; none of nothing."""
    if not readings:
        return {}
    return {
        "round_trip_ms": _figure([each.round_trip_ms for each in readings]),
        "commit_ms": _figure([each.commit_ms for each in readings]),
        "fork_ms": _figure([each.fork_ms for each in readings]),
        "delay_ms": _figure([each.delay_ms for each in readings]),
    }


def machine_explains(frames: Frames, metric: str, limit: float, estimate: float) -> str:
    """Returns why a limit that was not kept cannot be judged on the run's machine; nothing where it can be."""
    if metric == "checkpoint_duration":
        return _slow_commits(frames, limit, estimate) or _slow_control(frames, limit)
    if metric == "worker_memory":
        return _little_memory(frames, limit)
    return ""


def _slow_commits(frames: Frames, limit: float, estimate: float) -> str:
    """A bare commit, or waiting for a turn, takes a share of the limit while trials run, and accounts for the rest."""
    readings = [each for each in frames.machine if each.part == "trials"]
    if len(readings) < _LEAST:
        return ""
    found = figures(readings)
    commit, delay = found["commit_ms"].p95, found["delay_ms"].p95
    if commit + delay < _SHARE * limit or estimate > _TIMES * (commit + delay):
        return ""
    return (
        f"on this machine a bare commit took {commit:.3g} ms and a process woke {delay:.3g} ms late (P95), "
        "so the limit cannot be judged here"
    )


def _slow_control(frames: Frames, limit: float) -> str:
    """The control takes as long for a step, on which it too waits for its commits."""
    arms = arms_of(frames, "control")
    took = floats(arms["duration_ms"]) / np.maximum(floats(arms["steps"]), 1)
    took = took[np.isfinite(took)]
    if len(took) < _LEAST or (p95 := quantile(took, _RANK)) < limit:
        return ""
    return f"the control took {p95:.3g} ms for a step (P95), so the limit cannot be judged here"


def _little_memory(frames: Frames, limit: float) -> str:
    """The control needs as much, or a process without an engine does."""
    control = utilisation(frames.weighed, "control")
    if control is not None and control > limit:
        return f"the control's process used {100 * control:.3g} % of it, so the limit cannot be judged here"
    idle = max((each.idle_kib / each.limit_kib for each in frames.weighed if each.limit_kib > 0), default=0.0)
    if idle > limit / 2:
        return f"a process without an engine used {100 * idle:.3g} % of it, so the limit cannot be judged here"
    return ""


def _figure(values: Sequence[float]) -> MachineFigure:
    array: Floats = np.asarray(values, dtype=np.float64)
    return MachineFigure(float(np.median(array)), quantile(array, _RANK))
