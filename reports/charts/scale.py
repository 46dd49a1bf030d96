"""A logarithmic scale from milliseconds to a chart's x. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["LogScale"]

_MOST_TICKS = 7


@dataclass(frozen=True, slots=True)
class LogScale:
    """Maps `low` to `left` and `high` to `right`; both values are positive and differ."""

    low: float
    high: float
    left: float
    right: float

    def __call__(self, value: float) -> float:
        """Where the value lies; what is outside lies at the nearer end."""
        share = math.log(max(value, self.low) / self.low) / math.log(self.high / self.low)
        return self.left + min(share, 1.0) * (self.right - self.left)

    def ticks(self) -> tuple[float, ...]:
        """Round values inside the scale: 1, 2 and 5 of every power of ten, or fewer where they would crowd."""
        for steps in ((1, 2, 5), (1, 5)):
            values = tuple(self._round(steps))
            if len(values) <= _MOST_TICKS:
                return values
        values = tuple(self._round((1,)))
        return values[:: max(1, math.ceil(len(values) / _MOST_TICKS))]

    def _round(self, steps: tuple[int, ...]) -> Iterator[float]:
        for power in range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1):
            for step in steps:
                value = step * 10.0**power
                if self.low <= value <= self.high:
                    yield value
