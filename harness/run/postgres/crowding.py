"""Whose sessions fill a server that accepts no more: what an engine keeps open must not look like a server too small.

Reads Postgres, and ends sessions.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

import psycopg

from cutover.engines.roles import Role
from cutover.engines.sqlfiles import sql
from cutover.harness.run.postgres.room import room_of

__all__ = ["OURS", "Crowding", "is_for_want_of_sessions"]

OURS: Final = "cutover"
"""The application_name of the harness's own sessions in the databases of engines."""
_TIMES: Final = 3
"""How many times as many sessions as the control an engine may have before it counts as what fills the server."""
_AN_ENGINE: Final = 4
"""Sessions that an engine may have in a process in any case: two arms, a renewer, a companion."""


def is_for_want_of_sessions(refusal: str) -> bool:
    """Whether a server has said that it accepts no more sessions."""
    return refusal.startswith("53300")


class Crowding:
    """The databases of a run's engines, by role, on the server of a connection that is open already."""

    def __init__(self, databases: Mapping[Role, Collection[str]]) -> None:
        self._databases = databases

    def by_candidate(self, connection: psycopg.Connection[Any], workers: int) -> bool:
        """Whether the candidate has more than half of all sessions that a run may have, and many more than it may.

        `workers` is the number of processes that engines work in.
        """
        room = room_of(connection)
        theirs = len(self._sessions(connection, "control"))
        mine = len(self._sessions(connection, "candidate"))
        return 2 * mine > room.most - room.others and mine > _TIMES * max(theirs, _AN_ENGINE * workers)

    def end(self, connection: psycopg.Connection[Any]) -> None:
        """Ends the candidate's sessions, so that the run can go on: those that it still needs it has to open anew."""
        for pid in self._sessions(connection, "candidate"):
            connection.execute("SELECT pg_terminate_backend(%s)", (pid,))

    def _sessions(self, connection: psycopg.Connection[Any], role: Role) -> list[int]:
        parameters = {"names": list(self._databases.get(role, ())), "ours": OURS}
        return [pid for (pid,) in connection.execute(sql("cutover.harness.run.postgres", "crowd"), parameters)]
