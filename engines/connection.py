"""A connection to Postgres for occasional statements, minutes apart: opened again where it was lost. Does I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

__all__ = ["Reconnecting"]


class Reconnecting:
    """Opened on first use; a restart, a failover or an idle timeout between two statements goes unnoticed.

    With `timeout_s` no answer takes longer: neither a server that has gone silent nor a lock keeps the caller. The
    connection string's own settings take precedence.
    """

    def __init__(self, dsn: str, *, timeout_s: int | None = None) -> None:
        self._dsn = dsn
        self._timeout_s = timeout_s
        self._connection: psycopg.Connection[Any] | None = None

    def open(self) -> psycopg.Connection[Any]:
        """Returns the connection, which commits each statement; its loss may not have been noticed yet."""
        if self._connection is None or self._connection.closed:
            self._connection = self._opened()
        return self._connection

    def ask(self, statement: str, parameters: Mapping[str, Any]) -> Any:
        """Returns the first row, or None, of an idempotent statement."""
        had = self._connection
        try:
            return self._answer(statement, parameters)
        except psycopg.OperationalError:
            if had is None or not had.closed:
                raise
            return self._answer(statement, parameters)

    def close(self) -> None:
        """Closes the connection."""
        if self._connection is not None:
            self._connection.close()

    def _answer(self, statement: str, parameters: Mapping[str, Any]) -> Any:
        cursor = self.open().execute(statement.encode(), parameters)
        return cursor.fetchone() if cursor.description else None

    def _opened(self) -> psycopg.Connection[Any]:
        if self._timeout_s is None:
            return psycopg.connect(self._dsn, autocommit=True, client_encoding="UTF8")
        limits: dict[str, Any] = {"connect_timeout": self._timeout_s, "tcp_user_timeout": self._timeout_s * 1_000}
        dsn = make_conninfo(**{**limits, **conninfo_to_dict(self._dsn)})
        connection = psycopg.connect(dsn, autocommit=True, client_encoding="UTF8")
        connection.execute("SELECT set_config('statement_timeout', %s, false)", (f"{self._timeout_s}s",))
        return connection
