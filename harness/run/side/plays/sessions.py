"""The sessions that an engine of a play has with the server: which they are, and their end. Does I/O."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final

import psycopg

from cutover.engines.sqlfiles import sql

__all__ = ["end_sessions", "sessions"]

_EVER: Final = "-infinity"


def sessions(dsn: str) -> set[int]:
    """Returns the process ids of the sessions of clients in the database, but for the one that asks."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        return {pid for (pid,) in connection.execute(sql("cutover.harness.run.side", "sessions"))}


def end_sessions(dsn: str, spared: Collection[int], since: datetime | None = None) -> None:
    """Ends the sessions of clients in the database, but for some, and those that have been idle since then."""
    parameters = {"since": since or _EVER, "spared": list(spared)}
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(sql("cutover.harness.run.side.plays", "end_sessions"), parameters)
