"""Which run owns which database of a server, to tell the databases of a killed run from those of a live one.

Does I/O. A run holds an advisory lock for as long as its process lives: the session ends with the process, however it
ends, and the lock with the session. The run's databases carry in their names the lock's number and the mark of the
process, so at no moment of its making is there a database of which nobody knows whose it is. A database is left
behind when its name has such a mark, its lock is not held, no session is connected to it, and its process does not live
on this machine; all of these, since a session may also be lost while its run goes on.
"""

from __future__ import annotations

import contextlib
import secrets
import time
from typing import Any, Final

import psycopg
from psycopg import sql

from cutover.engines.sqlfiles import sql as sql_file
from cutover.harness.run.process.mark import PATTERN, mark, state_of

__all__ = ["Owner", "drop_stale"]

_CLASS: Final = 0x6375746F
"""The first half of every run's lock: "cuto" in ASCII."""
_CONNECT_S: Final = 10
_LINGER_S: Final = 3.0
"""How long sessions of a run that was killed are waited for; the server notices its end when a statement has ended."""
_LOOK_S: Final = 0.05


class Owner:
    """One run's lock on its databases, from `name` on until `close`; `dsn` leads to the server."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._key = secrets.randbits(32)
        self._count = 0
        self._session: psycopg.Connection[Any] | None = None

    def name(self) -> str:
        """Takes the lock, again if it was lost, and returns a name for the run's next database."""
        self._hold()
        self._count += 1
        return f"cutover_{self._key:08x}_{self._count}_{mark()}"

    def close(self) -> None:
        """Releases the lock; databases that are still there may be dropped by the next run."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def _hold(self) -> None:
        if self._session is not None:
            with contextlib.suppress(psycopg.OperationalError):
                self._session.execute("SELECT 1")
                return
            self._session.close()
        self._session = psycopg.connect(
            self._dsn, autocommit=True, connect_timeout=_CONNECT_S, keepalives_idle=30, application_name="cutover"
        )
        self._session.execute("SET idle_session_timeout = 0")
        self._session.execute("SELECT pg_advisory_lock(%s, %s)", [_CLASS, _signed(self._key)])


def drop_stale(dsn: str) -> tuple[str, ...]:
    """Drops every database that was left behind; returns the names of those that are gone now.

    What processes of a killed run are still doing there is waited for, a few seconds at most. One that belongs to
    another role, or to which there is a connection by now, stays. Raises psycopg.OperationalError where the server does
    not answer.
    """
    gone = []
    with psycopg.connect(dsn, autocommit=True, connect_timeout=_CONNECT_S) as connection:
        _await_the_end(connection)
        found = connection.execute(_query("left_behind"), {"class": _CLASS, "mark": PATTERN}).fetchall()
        for name in [name for (name,) in found if state_of(name) in {"gone", "elsewhere"}]:
            with contextlib.suppress(psycopg.errors.InsufficientPrivilege, psycopg.errors.ObjectInUse):
                connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))
                gone.append(name)
    return tuple(gone)


def _await_the_end(connection: psycopg.Connection[Any]) -> None:
    """Returns when no session works for a process of this machine that has ended, or after a while.

    A database that is being created is not there yet, and is made though whoever asked for it has gone.
    """
    until = time.monotonic() + _LINGER_S
    while time.monotonic() < until:
        named = connection.execute(_query("named_by_sessions"), {"mark": PATTERN}).fetchall()
        if not any(state_of(name) == "gone" for (name,) in named):
            return
        time.sleep(_LOOK_S)


def _query(name: str) -> str:
    return sql_file("cutover.harness.run.postgres", name)


def _signed(key: int) -> int:
    return key - (1 << 32) if key >= 1 << 31 else key
