"""What numbers a run may be asked for, by the command line and by the public functions alike. Pure."""

from __future__ import annotations

import math
import operator
import re
from dataclasses import dataclass
from typing import Protocol, SupportsFloat, SupportsIndex, TypeVar

from cutover.scenarios.inputs import limits as inputs

__all__ = [
    "CASES",
    "CRASH_BUDGET_S",
    "DEADLINE_S",
    "GENERATED",
    "LOOKS",
    "PAIRS",
    "RUNNERS",
    "RUNS",
    "SEED",
    "SHARE",
    "SIMULATIONS",
    "STAGE",
    "TAKEOVER_S",
    "TRIALS",
    "WORKERS",
    "CountLimit",
    "NumberLimit",
    "OptionLimit",
    "finite",
]

_N = TypeVar("_N", int, float)
_N_co = TypeVar("_N_co", int, float, covariant=True)
_WHOLE, _DECIMAL = re.compile(r"-?[0-9]+"), re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
"""How numbers are written: Python would also take underscores, blanks, other scripts' digits, nan and inf."""
_DIGITS = 25
"""More than any limit has; int() reads longer ones slowly, or not at all."""


class OptionLimit(Protocol[_N_co]):
    """What a number may be."""

    def read(self, given: object) -> _N_co:
        """Returns the number that a caller in Python gave. Raises ValueError, whose message needs a name before it."""

    def parse(self, text: str) -> _N_co:
        """Returns the number that a command line or a file names. Raises ValueError as `read` does."""


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

    def parse(self, text: str) -> int:
        """Returns the number that is written so. Raises ValueError as `read` does."""
        if _WHOLE.fullmatch(text) is None or len(text) > _DIGITS:
            raise ValueError(f"is {text!r}, and not a whole number from {self.least} to {self.most}")
        return self.read(int(text))


@dataclass(frozen=True, slots=True)
class NumberLimit:
    """A number from `least` to `most`: seconds of real or virtual time, or a share."""

    least: float
    most: float

    def read(self, given: object) -> float:
        """Returns it as a float. Raises ValueError as `CountLimit.read` does."""
        if isinstance(given, bool | str | bytes) or not isinstance(given, SupportsFloat):
            raise ValueError(f"is {given!r}, and not a number of seconds")  # noqa: TRY004 - as above
        return _within(finite(float(given)), self.least, self.most)

    def parse(self, text: str) -> float:
        """Returns the number that is written so. Raises ValueError as `CountLimit.read` does."""
        if _DECIMAL.fullmatch(text) is None:
            raise ValueError(f"is {text!r}, and not a number from {self.least:g} to {self.most:g}")
        return self.read(float(text))


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
DEADLINE_S = NumberLimit(0.1, inputs.DEADLINE_SECONDS.most)
"""Less would blame an engine for the machine."""
STAGE = CountLimit(0, 100)
"""Percent; the policy says which of them are stages."""
PAIRS, SIMULATIONS, LOOKS = CountLimit(10, 100_000), CountLimit(1, 10_000), CountLimit(1, 1_000)
"""Of synthetic traffic: executions in a run, runs for each fault, evaluations during a run."""
SHARE = NumberLimit(0, 1)
RUNS = CountLimit(1, 1_000)
"""Default runs of one mutant."""
TAKEOVER_S = NumberLimit(0, inputs.TAKEOVER_SECONDS.most)
CRASH_BUDGET_S = NumberLimit(0, inputs.CRASH_BUDGET_SECONDS.most)
