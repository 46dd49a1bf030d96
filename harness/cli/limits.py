"""What numbers a run may be asked for, by the command line and by the public functions alike. Pure."""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass
from typing import SupportsFloat, SupportsIndex, TypeVar

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
    """A whole number from `least` to `most`, or without an upper limit."""

    least: int
    most: int | None = None

    def read(self, given: object) -> int:
        """Returns it as an int. Raises ValueError, whose message ends a sentence that begins with a name."""
        if isinstance(given, bool) or not isinstance(given, SupportsIndex):
            raise ValueError(f"is {given!r}, and not a whole number")  # noqa: TRY004 - a caller reads one kind of error
        return _within(operator.index(given), self.least, self.most)


@dataclass(frozen=True, slots=True)
class SecondsLimit:
    """Real or virtual time of at least `least` seconds."""

    least: float

    def read(self, given: object) -> float:
        """Returns it as a float. Raises ValueError as `CountLimit.read` does."""
        if isinstance(given, bool | str | bytes) or not isinstance(given, SupportsFloat):
            raise ValueError(f"is {given!r}, and not a number of seconds")  # noqa: TRY004 - as above
        return _within(finite(float(given)), self.least, None)


def finite(seconds: float) -> float:
    """Returns a time that is a number and ends. Raises ValueError as `CountLimit.read` does."""
    if not math.isfinite(seconds):
        raise ValueError(f"is {seconds}, and not a number of seconds")
    return seconds


def _within(number: _N, least: _N, most: _N | None) -> _N:
    if number < least:
        raise ValueError(f"is {number}, and must be at least {least}")
    if most is not None and number > most:
        raise ValueError(f"is {number}, and may be {most} at most")
    return number


TRIALS, GENERATED, SEED = CountLimit(1), CountLimit(0), CountLimit(0)
CASES = CountLimit(1)
WORKERS, RUNNERS = CountLimit(1, 256), CountLimit(1, 64)
DEADLINE_S = SecondsLimit(0.1)
"""Less would blame an engine for the machine."""
TAKEOVER_S, CRASH_BUDGET_S = SecondsLimit(0), SecondsLimit(0)
