"""How long and how often to measure. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Plan"]


@dataclass(frozen=True, slots=True)
class Plan:
    """`seconds` is one subject's time in one round; `say` takes progress, a line at a time."""

    rounds: int
    seconds: float
    say: Callable[[str], None]
