"""Instants that may lie beyond the last day of Python's calendar. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

__all__ = ["LATEST", "later"]

LATEST = datetime.max.replace(tzinfo=UTC)
"""Stands for every instant after it."""


def later(instant: datetime, by_ms: float) -> datetime:
    """Returns the instant so many milliseconds later; LATEST where no calendar has it."""
    try:
        return instant + timedelta(milliseconds=by_ms)
    except OverflowError:
        return LATEST
