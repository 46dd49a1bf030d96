"""What numbers a run may be asked for, by the command line and by the public functions alike. Pure."""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass
from typing import SupportsFloat, SupportsIndex, TypeVar

from cutover.scenarios.inputs import limits as inputs

__all__ = [
    "CASES",
    "CRASH_BUDGET_S",
    "DEADLINE_S",
    "GENERATED",
    "RUNNERS",
    "SEED",
    "TAKEOVER_S",
    "TRIALS",
    "WORKERS",
    "CountLimit",
    "SecondsLimit",
    "finite",
]

_N = TypeVar("_N", int, float)


@dataclass(frozen=True, slots=True)
class CountLimit:
    """A whole number from `least` to `most`."""

    least: int
    most: int

    def read(self, given: object) -> int:
        """Returns it as an int. Raises ValueError, whose message ends a sentence that begins with a name."""
        if isinstance(given, bool) or not isinstance(given, SupportsIndex):
            raise ValueError(f"is {given!r}, and not a whole number")  # noqa: TRY004 - a caller reads one kind of error
        return _within(operator.index(given), self.least, self.most)


@dataclass(frozen=True, slots=True)
class SecondsLimit:
    """Real or virtual time from `least` to `most` seconds."""

    least: float
    most: float

    def read(self, given: object) -> float:
        """Returns it as a float. Raises ValueError as `CountLimit.read` does."""
        if isinstance(given, bool | str | bytes) or not isinstance(given, SupportsFloat):
            raise ValueError(f"is {given!r}, and not a number of seconds")  # noqa: TRY004 - as above
        return _within(finite(float(given)), self.least, self.most)


def finite(seconds: float) -> float:
    """Returns a time that is a number and ends. Raises ValueError as `CountLimit.read` does."""
    if not math.isfinite(seconds):
        raise ValueError(f"is {seconds}, and not a number of seconds")
    return seconds


def _within(number: _N, least: _N, most: _N) -> _N:
    if number < least:
        raise ValueError(f"is {number}, and must be at least {least}")
    if number > most:
        raise ValueError(f"is {number}, and may be {most} at most")
    return number


TRIALS, GENERATED, SEED = (
    CountLimit(1, inputs.TRIALS.most),
    CountLimit(0, inputs.TRIALS.most),
    CountLimit(0, inputs.SEED.most),
)
CASES = CountLimit(1, inputs.CASES.most)
WORKERS, RUNNERS = CountLimit(1, inputs.WORKERS.most), CountLimit(1, inputs.RUNNERS.most)
DEADLINE_S = SecondsLimit(0.1, inputs.DEADLINE_SECONDS.most)
"""Less would blame an engine for the machine."""
TAKEOVER_S = SecondsLimit(0, inputs.TAKEOVER_SECONDS.most)
CRASH_BUDGET_S = SecondsLimit(0, inputs.CRASH_BUDGET_SECONDS.most)
