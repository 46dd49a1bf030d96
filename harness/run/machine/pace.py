"""How much slower the machine is than one on which limits of time were chosen. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Final

from cutover.harness.record.machine import MachineReading

__all__ = ["pace_of"]

_ROUND_TRIP_MS: Final = 1.0
_COMMIT_MS: Final = 10.0
_FORK_MS: Final = 10.0
_DELAY_MS: Final = 2.0
"""What a machine needs at the most on which limits of time hold as they are."""
_MOST: Final = 10.0
"""Beyond that a limit would be none."""


def pace_of(readings: Sequence[MachineReading]) -> float:
    """Returns the factor for limits of time, from 1 to 10: that of what is slowest, by the median of the readings."""
    if not readings:
        return 1.0
    factors = (
        median(each.round_trip_ms for each in readings) / _ROUND_TRIP_MS,
        median(each.commit_ms for each in readings) / _COMMIT_MS,
        median(each.fork_ms for each in readings) / _FORK_MS,
        median(each.delay_ms for each in readings) / _DELAY_MS,
    )
    return min(_MOST, max(1.0, *factors))
