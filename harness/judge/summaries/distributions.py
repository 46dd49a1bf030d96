"""How durations are spread over both engines, in bins: as small for a million of them as for a hundred. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from cutover.engines.roles import Role
from cutover.harness.judge.measures.frames import Frames, checkpoint_durations, latencies
from cutover.harness.judge.measures.stats import Floats
from cutover.harness.judge.policy.model import Policy

__all__ = ["BINS", "Distribution", "Limit", "distributions"]

BINS = 48
"""How many bins a distribution has, all of the same width on a logarithmic scale."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """What the policy allows at most, ms: the mean where `quantile` is None. `here` says whether this stage asks it."""

    criterion: str
    quantile: float | None
    limit: float
    here: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """One duration of both engines; bin i counts those from `edges[i]` to `edges[i + 1]`, ms.

    No edges where nothing was measured. `unusable_*` count the values that are not positive numbers and are in no bin.
    """

    id: Literal["latency", "checkpoint"]
    edges: tuple[float, ...]
    control: tuple[int, ...]
    candidate: tuple[int, ...]
    unusable_control: int
    unusable_candidate: int
    limits: tuple[Limit, ...]


def distributions(frames: Frames, policy: Policy, stage: int) -> tuple[Distribution, ...]:
    """Returns the time in the engine and the checkpoints' durations, with the limits that any stage sets on them."""
    return tuple(
        _binned(name, values(frames, "control"), values(frames, "candidate"), _limits(metric, policy, stage))
        for name, metric, values in _MEASURED
    )


def _binned(
    name: Literal["latency", "checkpoint"], control: Floats, candidate: Floats, limits: tuple[Limit, ...]
) -> Distribution:
    usable = (_positive(control), _positive(candidate))
    every = np.concatenate(usable)
    edges = _edges(float(every.min()), float(every.max())) if len(every) else np.empty(0)
    counts = [tuple(np.histogram(each, edges)[0].tolist()) if len(every) else () for each in usable]
    return Distribution(
        id=name,
        edges=tuple(edges.tolist()),
        control=counts[0],
        candidate=counts[1],
        unusable_control=len(control) - len(usable[0]),
        unusable_candidate=len(candidate) - len(usable[1]),
        limits=limits,
    )


def _edges(low: float, high: float) -> Floats:
    """Returns bins from the smallest to the largest value, both inside; where they are one, a fifth around it."""
    if low == high:
        low, high = low / 1.1, high * 1.1
    edges = np.geomspace(low, high, BINS + 1)
    edges[0], edges[-1] = low, high
    return edges


def _positive(values: Floats) -> Floats:
    return values[np.isfinite(values) & (values > 0)]


def _limits(metric: str, policy: Policy, stage: int) -> tuple[Limit, ...]:
    return tuple(
        Limit(
            criterion=criterion.id,
            quantile=criterion.condition.quantile,
            limit=criterion.condition.limit,
            here=stage in criterion.stages,
        )
        for criterion in policy.criteria
        if criterion.metric == metric and criterion.unit == "ms"
    )


_MEASURED: tuple[tuple[Literal["latency", "checkpoint"], str, Callable[[Frames, Role], Floats]], ...] = (
    ("latency", "latency", latencies),
    ("checkpoint", "checkpoint_duration", checkpoint_durations),
)
