"""Where engines live: a time zone that is not UTC, for their processes and for their databases. Pure.

A deadline or a time that is taken for local shows only where local time is another, and the two zones differ, so that
one does not undo the other. Both have half hours.
"""

from __future__ import annotations

from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

__all__ = ["PROCESS_ZONE", "database_zone"]

PROCESS_ZONE: Final = "<+0530>-05:30<+0630>,M1.3.0,M7.1.0"
"""As the variable TZ has it (POSIX): 5 h 30 min before UTC, and an hour more from the third Sunday of January to July.

So summer time begins where waits of some weeks end that begin when virtual time does. It needs no table of zones."""

_DATABASE_ZONE: Final = "Pacific/Marquesas"
"""9 h 30 min behind UTC."""


def database_zone() -> str | None:
    """Returns the setting TimeZone for our databases; None where a client here could not read such a zone's times."""
    try:
        ZoneInfo(_DATABASE_ZONE)
    except (ZoneInfoNotFoundError, OSError):
        return None
    return _DATABASE_ZONE
