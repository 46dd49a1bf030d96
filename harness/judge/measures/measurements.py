"""The shapes that a measurement may have, the units, and where measurements come from. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from cutover.harness.judge.measures.stats import Floats

__all__ = ["Count", "Gauge", "Measurement", "MeasurementSource", "Paired", "Pairs", "Samples", "Share", "Unit"]

Unit: TypeAlias = Literal["share", "count", "ms", "ratio", "evidence", "days"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """How many of n were so; of `unknown` more it could not be told."""

    successes: int
    n: int
    unknown: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How often something happened in n executions."""

    count: int
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """Measured values, as they came: NaN where the measurement gave none."""

    values: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """The same thing measured on both engines, one pair a trial, as it came."""

    control: Floats
    candidate: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Paired:
    """In n pairs: how many were bad in the control, in the candidate, in only the candidate, in only the control.

    Of `unknown` more it could not be told. `rare` says that a bad pair hardly occurs between sound engines, so that a
    few of them, all in the candidate alone, are evidence already.
    """

    worse: int
    better: int
    bad_control: int
    bad_candidate: int
    n: int
    unknown: int = 0
    rare: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """One reading; NaN where there was none."""

    value: float


Measurement: TypeAlias = Share | Count | Samples | Pairs | Paired | Gauge


class MeasurementSource(Protocol):
    """Something that can measure metrics, such as the trials of a run."""

    @property
    def metrics(self) -> Collection[str]:
        """The names of the metrics that it can measure."""

    def measure(self, metric: str) -> Measurement | None:
        """Returns the measurement of one of its metrics; None where there is nothing to tell of it this time."""

    def explains(self, metric: str, limit: float, estimate: float) -> str:
        """Returns why a limit that an estimate did not keep cannot be judged where it was measured; else nothing."""
