"""Control and candidate side by side: numbers and distributions, as parts of a report. Pure."""

from __future__ import annotations

from typing import Literal

from cutover.reports.parts.base import ReportPart

__all__ = ["DistributionPart", "LimitPart", "SidePart"]


class SidePart(ReportPart):
    """One number of both engines; `unit` is share, ms, MiB or count."""

    id: str
    name: str
    unit: str
    control: float | None
    candidate: float | None
    n_control: int
    n_candidate: int


class LimitPart(ReportPart):
    """What a criterion of the policy allows at most, ms; `here` says whether this stage asks it."""

    criterion: str
    quantile: float | None
    limit: float
    here: bool


class DistributionPart(ReportPart):
    """One duration of both engines: bin i counts those from `edges[i]` to `edges[i + 1]`, ms; no edges without data.

    `unusable_*` count the values that are not positive numbers, and so are in no bin.
    """

    id: Literal["latency", "checkpoint"]
    edges: tuple[float, ...]
    control: tuple[int, ...]
    candidate: tuple[int, ...]
    unusable_control: int
    unusable_candidate: int
    limits: tuple[LimitPart, ...]
