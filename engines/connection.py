"""A connection to Postgres for occasional statements, minutes apart: opened again where it was lost. Does I/O.

Where a time is set, statements are sent by a thread of their own, since nothing else ends every wait: a name that does
not resolve, a server that accepts a connection and never says a word, one that falls silent with an answer under way.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final, TypeAlias, TypeVar

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.errors import DeadlockDetected, SerializationFailure

from cutover.engines.errors import EngineError

__all__ = ["Reconnecting", "ServerSilent"]

_TRIES: Final = 5
"""How often a statement is sent that Postgres rolls back for others' sake (40001, 40P01)."""

_AnyConnection: TypeAlias = psycopg.Connection[Any]
_Found = TypeVar("_Found")


class ServerSilent(EngineError):
    """Postgres did not answer in time; the message says how long it had. Whether it did what was asked is not known."""


class Reconnecting:
    """Opened on first use; a restart, a failover or an idle timeout between two statements goes unnoticed.

    With `timeout_s` no call takes longer, connecting included: neither a server that has gone silent nor a lock keeps
    the caller. For one thread at a time.
    """

    def __init__(self, dsn: str, *, timeout_s: int | None = None) -> None:
        self._dsn = dsn
        self._timeout_s = timeout_s
        self._connection: _AnyConnection | None = None

    def ask(self, statement: str, parameters: Mapping[str, Any], *, same_session: bool = False) -> Any:
        """Returns the first row, or None, of an idempotent statement.

        With `same_session` a connection that was lost is not opened again: psycopg.OperationalError. Raises
        ServerSilent.
        """

        def answer(session: _AnyConnection) -> Any:
            cursor = session.execute(statement.encode(), parameters)
            return cursor.fetchone() if cursor.description else None

        return self.use(answer, same_session=same_session)

    def use(self, work: Callable[[_AnyConnection], _Found], *, same_session: bool = False) -> _Found:
        """Returns what idempotent work on the connection returns, which commits each statement. As `ask` does."""
        before = self._connection
        ends = None if self._timeout_s is None else time.monotonic() + self._timeout_s
        for tried in range(1, _TRIES + 1):
            current = None if self._connection is None or self._connection.closed else self._connection
            if same_session and current is None:
                raise psycopg.OperationalError("the session was lost")
            try:
                return self._done(current, work) if ends is None else self._timed(current, work, ends)
            except (SerializationFailure, DeadlockDetected):
                if tried == _TRIES:
                    raise
            except psycopg.OperationalError:
                if same_session or before is None or not before.closed:
                    raise
                before = None
        raise AssertionError("the last try returns or raises")

    def close(self) -> None:
        """Closes the connection."""
        if self._connection is not None:
            self._connection.close()

    def _done(self, current: _AnyConnection | None, work: Callable[[_AnyConnection], _Found]) -> _Found:
        self._connection = current or psycopg.connect(self._dsn, autocommit=True, client_encoding="UTF8")
        return work(self._connection)

    def _timed(self, current: _AnyConnection | None, work: Callable[[_AnyConnection], _Found], ends: float) -> _Found:
        used = _Used(current)
        found: list[_Found] = []
        problems: list[BaseException] = []

        def answer() -> None:
            try:
                if used.connection is None:
                    self._limit(used.take(self._opened()))
                assert used.connection is not None  # noqa: S101 - the line above
                found.append(work(used.connection))
            except BaseException as problem:  # noqa: BLE001 - the caller raises it
                problems.append(problem)

        thread = threading.Thread(target=answer, name="cutover-ask", daemon=True)
        thread.start()
        answered = False
        try:
            thread.join(max(0.0, ends - time.monotonic()))
            answered = not thread.is_alive()
        finally:
            if answered:
                self._connection = used.connection
            else:
                self._connection = None
                used.abandon()
        if not answered:
            raise ServerSilent(f"Postgres did not answer within {self._timeout_s} s")
        if problems:
            raise problems[0]
        return found[0]

    def _opened(self) -> _AnyConnection:
        assert self._timeout_s is not None  # noqa: S101 - only where calls are timed
        given = conninfo_to_dict(self._dsn)
        limits: dict[str, Any] = {"tcp_user_timeout": self._timeout_s * 1_000, **given}
        own = str(given.get("connect_timeout", ""))
        limits["connect_timeout"] = min(int(own) if own.isdecimal() and int(own) else self._timeout_s, self._timeout_s)
        return psycopg.connect(make_conninfo(**limits), autocommit=True, client_encoding="UTF8")

    def _limit(self, connection: _AnyConnection) -> None:
        """Has the server end a statement a little before the caller would give up the connection."""
        assert self._timeout_s is not None  # noqa: S101 - only where calls are timed
        connection.execute("SELECT set_config('statement_timeout', %s, false)", (f"{self._timeout_s * 800}ms",))


class _Used:
    """A connection that a thread is using; once it is abandoned, the thread's wait ends and what it opens is closed."""

    def __init__(self, connection: _AnyConnection | None) -> None:
        self.connection = connection
        self._abandoned = False
        self._lock = threading.Lock()

    def take(self, connection: _AnyConnection) -> _AnyConnection:
        """Keeps what the thread has opened."""
        with self._lock:
            self.connection = connection
            if self._abandoned:
                connection.close()
        return connection

    def abandon(self) -> None:
        """Shuts the socket, so that the thread reads its end."""
        with self._lock:
            self._abandoned = True
            if self.connection is not None:
                with suppress(psycopg.Error, OSError), socket.socket(fileno=os.dup(self.connection.fileno())) as other:
                    other.shutdown(socket.SHUT_RDWR)
