"""Draws of which the lowest is always the plainest, so that failing examples shrink to plain ones. Pure."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

__all__ = ["Dice"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Dice:
    """Draws from a generator of random numbers."""

    rng: random.Random

    def chance(self, share: float) -> bool:
        """True in that share of draws (0 to 1); the lowest draw says no."""
        return self.rng.random() > 1 - share

    def pick(self, options: Sequence[T]) -> T:
        """One of the options; the lowest draw is the first."""
        return options[self.rng.randint(0, len(options) - 1)]

    def between(self, least: int, most: int) -> int:
        """A whole number, both ends included."""
        return self.rng.randint(least, most)
