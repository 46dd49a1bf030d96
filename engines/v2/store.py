"""V2's connection to Postgres: one statement a commit, refused commits sent again, lost answers looked up. Does I/O.

Commits go through libpq's own calls (`psycopg.pq`): all their parameters are text already, and between sending and
waiting the worker has time for what needs no answer.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple, NoReturn

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.errors import DeadlockDetected, SerializationFailure, error_from_result
from psycopg.generators import execute
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGresult

from cutover.engines.errors import EngineError
from cutover.engines.sqlfiles import sql
from cutover.engines.v2.retry import COMMIT_TRIES, commit_pause_s

__all__ = ["PostgresRefused", "PostgresUnreachable", "Statement", "Store", "blames_rows", "connect", "explained"]

_SETTINGS = "-c plan_cache_mode=force_generic_plan -c jit=off -c enable_seqscan=off"
"""Statements are planned once, perhaps while the tables are empty: what is quick then must stay quick."""
_Found = tuple[Any, ...]
_MOST_PREPARED: Final = 64
"""Statements that one connection keeps prepared; what comes after them is planned each time."""
_POOLED: Final = "the session is not kept from one statement to the next; a pooler before Postgres must pool sessions"
_CUT: Final = {None, "08003", "08006", "57P01", "57P02", "57P03"}
"""SQLSTATEs of a lost connection: none where libpq found out by itself."""
_ADVICE: Final = {
    "42P01": "call install() first",
    "42703": "call install() first",
    "42704": "call install() first",
    "26000": _POOLED,
    "42P05": _POOLED,
}
"""What to do, by SQLSTATE, where Postgres's message does not say."""


class PostgresUnreachable(EngineError):
    """Postgres went away and did not come back. What was committed stands; resume the execution when it is back."""


def connect(dsn: str) -> psycopg.Connection[_Found]:
    """A connection that commits each statement; its statements are planned once."""
    given = conninfo_to_dict(dsn).get("options") or os.environ.get("PGOPTIONS")  # which ours would hide from libpq
    options = f"{given} {_SETTINGS}" if given else _SETTINGS
    try:
        return psycopg.connect(make_conninfo(dsn, options=options, client_encoding="UTF8"), autocommit=True)
    except psycopg.OperationalError as error:
        raise PostgresUnreachable(f"cannot connect to Postgres: {str(error).splitlines()[0]}") from error


class PostgresRefused(EngineError):
    """Postgres refused a statement; the message says why. What was committed stands: fix the cause, then resume."""


class Statement(NamedTuple):
    """A statement with numbered parameters, and the name under which a connection keeps it prepared."""

    name: bytes
    text: bytes


class Store:
    """One connection, opened on first use and again after it was lost."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._connection: psycopg.Connection[_Found] | None = None
        self._cursor: psycopg.Cursor[_Found] | None = None
        self._prepared: set[bytes] = set()

    @property
    def connection(self) -> psycopg.Connection[_Found]:
        """The live connection."""
        if self._connection is None or self._connection.closed:
            self._connection = connect(self._dsn)
            self._cursor = self._connection.cursor()
            self._prepared = set()
        return self._connection

    def close(self) -> None:
        """Closes the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = self._cursor = None

    def run(self, name: str, parameters: Mapping[str, Any]) -> list[_Found]:
        """Returns the rows of an idempotent statement; sent again after 40001, 40P01 or a lost connection."""
        tried = 1
        while True:
            try:
                return self._send(sql("cutover.engines.v2", name), parameters)
            except psycopg.Error as error:
                if tried == COMMIT_TRIES or not (refused(error) or self.connection_lost()):
                    _explain(error)
            time.sleep(commit_pause_s(tried))
            tried += 1

    def commit(
        self,
        statement: Statement,
        parameters: list[str | None],
        landed: Callable[[], bool],
        refusal: Callable[[str], None],
        meanwhile: Callable[[], None],
    ) -> bool:
        """Sends a guarded statement until it is known to have committed; False where its guard returned no row.

        A commit that Postgres refused (40001, 40P01) changed nothing and is sent again; `refusal` hears why and may
        change `parameters`. When the connection was lost nobody knows, so `landed` looks before it is sent again, and
        once more where the guard then returns no row: the lost connection's backend may have been the one that moved
        the execution on. `meanwhile` is called while Postgres works.
        """
        uncertain = False
        for tried in range(1, COMMIT_TRIES + 1):
            try:
                return self._commit(statement, parameters, meanwhile) or (uncertain and landed())
            except psycopg.Error as error:
                if refused(error):
                    if tried == COMMIT_TRIES:
                        _explain(error)
                    refusal(f"{error.sqlstate}: {str(error).splitlines()[0]}")
                    time.sleep(commit_pause_s(tried))
                elif self.connection_lost():
                    uncertain = True
                    if landed():
                        return True
                else:
                    _explain(error)
        raise PostgresUnreachable(f"the connection was lost {COMMIT_TRIES} times during one commit")

    def connection_lost(self) -> bool:
        """Whether the connection is gone."""
        return self._connection is None or self._connection.closed

    def _send(self, statement: str, parameters: Mapping[str, Any]) -> list[_Found]:
        if self._cursor is None or self._connection is None or self._connection.closed:
            _ = self.connection
        assert self._cursor is not None  # noqa: S101 - the line above opened it
        return self._cursor.execute(statement, parameters, prepare=True).fetchall()

    def _commit(self, statement: Statement, parameters: Sequence[str | None], meanwhile: Callable[[], None]) -> bool:
        """Sends the statement once; returns whether it returned a row."""
        connection = self._connection
        if connection is None or connection.closed:
            connection = self.connection
        pgconn = connection.pgconn
        values = [None if value is None else value.encode() for value in parameters]
        if statement.name in self._prepared:
            pgconn.send_query_prepared(statement.name, values)
        elif len(self._prepared) < _MOST_PREPARED:
            return self._commit_first(connection, statement, values, meanwhile)
        else:
            pgconn.send_query_params(statement.text, values)
        pgconn.flush()
        try:
            meanwhile()
            return _answer(connection).ntuples > 0
        except psycopg.Error:
            raise
        except BaseException:
            connection.close()  # the answer is still on its way
            raise

    def _commit_first(
        self,
        connection: psycopg.Connection[_Found],
        statement: Statement,
        values: Sequence[bytes | None],
        meanwhile: Callable[[], None],
    ) -> bool:
        """As `_commit`, and has Postgres keep the statement planned, in the same round trip."""
        pgconn = connection.pgconn
        pgconn.enter_pipeline_mode()
        try:
            pgconn.send_prepare(statement.name, statement.text)
            pgconn.send_query_prepared(statement.name, values)
            pgconn.pipeline_sync()
            pgconn.flush()
            meanwhile()
            results = [connection.wait(execute(pgconn))[-1] for _ in ("prepare", "commit", "sync")]
            pgconn.exit_pipeline_mode()
        except BaseException:
            connection.close()  # half an answer may still be on its way
            raise
        prepared, committed, _ = results
        _check(prepared)
        self._prepared.add(statement.name)
        _check(committed)
        return bool(committed.ntuples)


def _answer(connection: psycopg.Connection[_Found]) -> PGresult:
    """The result of what was sent last; raises the psycopg.Error that stands for a refusal."""
    result: PGresult
    *_, result = connection.wait(execute(connection.pgconn))
    _check(result)
    return result


def _check(result: PGresult) -> None:
    if result.status not in {ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK}:
        raise error_from_result(result)


@contextmanager
def explained() -> Iterator[None]:
    """Raises PostgresRefused in place of what psycopg raises."""
    try:
        yield
    except psycopg.Error as error:
        _explain(error)


def _explain(error: psycopg.Error) -> NoReturn:
    """Raises PostgresUnreachable where the connection has gone, PostgresRefused where an answer came."""
    said = error.diag.message_primary or str(error).partition("\n")[0] or type(error).__name__
    if isinstance(error, psycopg.OperationalError) and error.sqlstate in _CUT:
        raise PostgresUnreachable(f"the connection to Postgres was lost: {said}") from error
    state = f" ({error.sqlstate})" if error.sqlstate else ""
    advice = f"; {_ADVICE[error.sqlstate]}" if error.sqlstate in _ADVICE else ""
    raise PostgresRefused(f"Postgres refused{state}: {said}{advice}") from error


def blames_rows(problem: Exception) -> bool:
    """Whether an error can come of what rows say: any but Postgres's own, and of those the ones on values."""
    if not isinstance(problem, PostgresRefused):
        return True
    state = problem.__cause__.sqlstate if isinstance(problem.__cause__, psycopg.Error) else None
    return state is not None and state.startswith(("22", "23"))


def refused(error: psycopg.Error) -> bool:
    """Whether Postgres rolled the statement back and another try may do: 40001 or 40P01."""
    return isinstance(error, SerializationFailure | DeadlockDetected)
