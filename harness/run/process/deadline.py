"""A clock for deadlines that counts only the time in which this process ran. Reads the monotonic clock."""

from __future__ import annotations

import time
from typing import Final

__all__ = ["LOOK_S", "ActiveTime"]

LOOK_S: Final = 1.0
"""The longest that a look counts for, s, and so the longest that a waiting process may sleep between two looks."""


class ActiveTime:
    """Seconds since it was made, without those in which it was not looked at.

    A process that waits for another one with a deadline looks at least every `LOOK_S`. Where it could not, it was
    stopped, frozen or starved; the other one perhaps was too, and what that sent meanwhile has not been read. So such a
    gap counts as one look, and a deadline does not pass in it.
    """

    def __init__(self) -> None:
        self._looked = time.monotonic()
        self._counted = 0.0

    def now(self) -> float:
        """Looks at the clock; returns the seconds counted so far."""
        looked = time.monotonic()
        self._counted += min(looked - self._looked, LOOK_S)
        self._looked = looked
        return self._counted
