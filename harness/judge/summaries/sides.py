"""Control against candidate: the same numbers of both engines, side by side. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from cutover.engines.roles import Role
from cutover.harness.judge.measures import stats
from cutover.harness.judge.measures.frames import (
    Frames,
    arms_of,
    checkpoint_durations,
    duplicates,
    execution_success,
    latencies,
    peak_memory,
    retry_success,
    stuck,
)
from cutover.harness.judge.measures.measurements import Count, Share
from cutover.harness.judge.measures.stats import Floats

__all__ = ["SideBySide", "SideUnit", "side_by_side"]

_SideNumber: TypeAlias = tuple[float | None, int]
SideUnit: TypeAlias = Literal["share", "ms", "MiB", "count"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SideBySide:
    """One number of both engines; None where there is none. `unit` is "share", "ms", "MiB" or "count".

    `id` is stable (`success`, `latency_p95`); `name` is what a person reads. `n_*` counts what it was worked out from.
    """

    id: str
    name: str
    unit: SideUnit
    control: float | None
    candidate: float | None
    n_control: int
    n_candidate: int


def side_by_side(frames: Frames) -> tuple[SideBySide, ...]:
    """Returns the numbers of the plan that both engines have, and those of the harness that explain them."""
    return tuple(
        SideBySide(
            id=name,
            name=words,
            unit=unit,
            control=control[0],
            candidate=candidate[0],
            n_control=control[1],
            n_candidate=candidate[1],
        )
        for name, words, unit, measured in _NUMBERS
        for control, candidate in [(measured(frames, "control"), measured(frames, "candidate"))]
    )


def _share(measured: Callable[[Frames, Role], Share]) -> Callable[[Frames, Role], _SideNumber]:
    def number(frames: Frames, role: Role) -> _SideNumber:
        share = measured(frames, role)
        return (share.successes / share.n if share.n else None), share.n

    return number


def _per_hundred(measured: Callable[[Frames, Role], Count]) -> Callable[[Frames, Role], _SideNumber]:
    def number(frames: Frames, role: Role) -> _SideNumber:
        count = measured(frames, role)
        return (100 * count.count / count.n if count.n else None), count.n

    return number


def _count(measured: Callable[[Frames, Role], Count]) -> Callable[[Frames, Role], _SideNumber]:
    def number(frames: Frames, role: Role) -> _SideNumber:
        count = measured(frames, role)
        return (count.count if count.n else None), count.n

    return number


def _memory(frames: Frames, role: Role) -> _SideNumber:
    ran = next((each.executions for each in frames.weighed if each.role == role), 0)
    return peak_memory(frames, role), ran


def _sum(column: str) -> Callable[[Frames, Role], _SideNumber]:
    def number(frames: Frames, role: Role) -> _SideNumber:
        arms = arms_of(frames, role)
        return (int(arms[column].sum()) if len(arms) else None), len(arms)

    return number


def _quantile(measured: Callable[[Frames, Role], Floats], q: float) -> Callable[[Frames, Role], _SideNumber]:
    return _of_values(measured, lambda values: stats.quantile(values, q))


def _of_values(
    measured: Callable[[Frames, Role], Floats], statistic: Callable[[Floats], float]
) -> Callable[[Frames, Role], _SideNumber]:
    def number(frames: Frames, role: Role) -> _SideNumber:
        values = measured(frames, role)
        usable = values[np.isfinite(values)]
        return (statistic(usable) if len(usable) else None), len(usable)

    return number


_NUMBERS: tuple[
    tuple[str, str, SideUnit, Callable[[Frames, Role], _SideNumber]],
    ...,
] = (
    ("success", "executions that end in the right status", "share", _share(execution_success)),
    ("duplicates", "duplicated steps per hundred resumes", "count", _per_hundred(duplicates)),
    ("redeliveries", "redeliveries", "count", _sum("redeliveries")),
    ("retry_success", "executions saved by a retry", "share", _share(retry_success)),
    ("stuck", "stuck executions", "count", _count(stuck)),
    ("latency_p50", "time in the engine, P50", "ms", _quantile(latencies, 0.5)),
    ("latency_p95", "time in the engine, P95", "ms", _quantile(latencies, 0.95)),
    ("latency_p99", "time in the engine, P99", "ms", _quantile(latencies, 0.99)),
    ("checkpoint_mean", "checkpoint, mean", "ms", _of_values(checkpoint_durations, lambda v: float(v.mean()))),
    ("checkpoint_p95", "checkpoint, P95", "ms", _quantile(checkpoint_durations, 0.95)),
    ("memory", "memory of a process, peak", "MiB", _memory),
    ("steps", "steps", "count", _sum("steps")),
    ("calls", "activity calls", "count", _sum("calls")),
)
