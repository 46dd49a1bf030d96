"""A connection that is open for as long as engines work on a server: it shows what hits them all. Does I/O."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Any

import psycopg

from cutover.engines.roles import Role
from cutover.harness.errors import EnvironmentProblem
from cutover.harness.run.postgres.crowding import OURS, Crowding, is_for_want_of_sessions
from cutover.harness.run.postgres.room import needed, room_of
from cutover.harness.run.process.lifetime import Closing, refused_to_all

__all__ = ["WRITE", "OutageProbe"]

_CONNECT_S = 10
_NO_ENGINE_S = ("53100", "ENOSPC", "EDQUOT", "KILLED")
"""Codes of `cutover.harness.run.process.refusal` that say that a disk is full, or somebody killed a process."""
WRITE = "SELECT pg_logical_emit_message(true, 'cutover', 'a commit')"
"""A commit that changes nothing and waits for the log."""


class OutageProbe(Closing):
    """Where a server crashes, is restarted or fails over, engines raise what is not their fault; this notices it.

    `databases` are the names of those that engines work in, by role.
    """

    def __init__(self, dsn: str, databases: Mapping[Role, Collection[str]] = MappingProxyType({})) -> None:
        self._dsn = dsn
        self._crowding = Crowding(databases)
        self._looking = threading.Lock()
        self._connection = self._open()

    def check(self) -> None:
        """Raises EnvironmentProblem where the connection has not lasted."""
        with self._looking:
            self._look()

    def refused(self, what: str, role: Role | None, workers: int) -> None:
        """Raises EnvironmentProblem where it is not the candidate's doing that the server or the system refused `what`.

        It is not where the control or the harness (`role` None) met it, or a session of our own does, where the disk is
        full or somebody killed its process, or where others leave no room for sound engines. What is left is an engine
        that uses up what there is. Where that is sessions, whoever met it, those of the candidate end here, which
        makes room for the others.
        """
        self.check()
        if is_for_want_of_sessions(what):
            with self._looking:
                if self._crowding.by_candidate(self._connection, workers):
                    self._crowding.end(self._connection)
                    return
        if role != "candidate" or what.startswith(_NO_ENGINE_S) or not self._answers_anew(workers):
            raise refused_to_all(what, f"in a trial, by the {role or 'harness'}")

    def _answers_anew(self, workers: int) -> bool:
        """Whether another session is accepted, can write, and would be if sound engines had theirs."""
        try:
            with self._open() as session:
                session.execute(WRITE)
                room = room_of(session)
        except psycopg.OperationalError:
            return False
        return room.most - room.others >= needed(workers)

    def _look(self) -> None:
        try:
            self._connection.execute("SELECT 1")
        except psycopg.OperationalError as error:
            raise EnvironmentProblem(
                f"Postgres cut its connections while engines worked on it ({' '.join(str(error).split())}): it crashed "
                "or was restarted, so nothing can be said of them; see the server's log, and run again"
            ) from error

    def around(self, restart: Callable[[], None] | None) -> Callable[[], None] | None:
        """As `restart`, but the probe expects it, and a check meanwhile waits; None where there is none."""
        if restart is None:
            return None

        def expected() -> None:
            with self._looking:
                self._look()
                restart()
                self._connection.close()
                self._connection = self._open()

        return expected

    def close(self) -> None:
        """Closes the connection."""
        self._connection.close()

    def _open(self) -> psycopg.Connection[Any]:
        connection = psycopg.connect(
            self._dsn, autocommit=True, connect_timeout=_CONNECT_S, keepalives_idle=30, application_name=OURS
        )
        connection.execute("SET idle_session_timeout = 0")
        return connection
