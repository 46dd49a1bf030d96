"""What the machine needed for next to nothing, before, between and after the parts of a run, for reports. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cutover.harness.judge.measures.machine import MachineFigure, figures
from cutover.harness.record.machine import MachineReading, ReadingMoment

__all__ = ["MachineSummary", "machine_summaries"]

_MOMENTS: Final[tuple[ReadingMoment, ...]] = ("before", "between", "after")


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineSummary:
    """The readings of one moment; `connections_free` is the least."""

    moment: ReadingMoment
    readings: int
    round_trip_ms: MachineFigure
    commit_ms: MachineFigure
    fork_ms: MachineFigure
    delay_ms: MachineFigure
    connections_free: int


def machine_summaries(readings: Sequence[MachineReading]) -> tuple[MachineSummary, ...]:
    """Returns a summary of each moment that was read."""
    return tuple(
        MachineSummary(
            moment=moment,
            readings=len(there),
            connections_free=min(each.connections_free for each in there),
            **figures(there),
        )
        for moment in _MOMENTS
        if (there := [each for each in readings if each.moment == moment])
    )
