"""What the machine needed for next to nothing while the run was made, as a part of a report. Pure."""

from __future__ import annotations

from typing import Literal

from cutover.reports.parts.base import ReportPart

__all__ = ["MachineFigurePart", "MachinePart"]


class MachineFigurePart(ReportPart):
    """The median and the P95 of what was read, ms."""

    median: float
    p95: float


class MachinePart(ReportPart):
    """The readings before, between or after the parts of the run.

    A statement without tables, a commit that changes nothing and waits for the log, a process that does nothing, and
    how much too late a process woke that slept for a millisecond; the least number of connections that were free.
    """

    moment: Literal["before", "between", "after"]
    readings: int
    round_trip_ms: MachineFigurePart
    commit_ms: MachineFigurePart
    fork_ms: MachineFigurePart
    delay_ms: MachineFigurePart
    connections_free: int
