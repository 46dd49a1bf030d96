"""A connection that is open for as long as engines work on a server, and so shows when theirs were cut. Does I/O."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import psycopg

from cutover.harness.errors import EnvironmentProblem
from cutover.harness.run.process.lifetime import Closing

__all__ = ["OutageProbe"]

_CONNECT_S = 10


class OutageProbe(Closing):
    """Where a server crashes, is restarted or fails over, engines raise what is not their fault; this notices it."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._looking = threading.Lock()
        self._connection = self._open()

    def check(self) -> None:
        """Raises EnvironmentProblem where the connection has not lasted."""
        with self._looking:
            self._look()

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
        connection = psycopg.connect(self._dsn, autocommit=True, connect_timeout=_CONNECT_S, keepalives_idle=30)
        connection.execute("SET idle_session_timeout = 0")
        return connection
