"""A Postgres server for a run: the URL given, else a container, else the embedded one. Does I/O."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import psycopg
from psycopg import sql

from cutover.harness.errors import ConfigurationProblem, EnvironmentProblem
from cutover.harness.run.postgres.container import container
from cutover.harness.run.postgres.dsn import parse_dsn, redact, scrub, to_url
from cutover.harness.run.postgres.embedded import clear_left_behind, embedded
from cutover.harness.run.postgres.libpq import connect_as_given, without_variables
from cutover.harness.run.postgres.ownership import Owner, drop_stale
from cutover.harness.run.process.zone import database_zone

__all__ = ["URL_VARIABLE", "Database", "ProvisionMode", "Server", "copy_again", "given_url", "provision"]

URL_VARIABLE = "CUTOVER_DATABASE_URL"
_OLDEST = 140_000
_CONNECT_S = 10
_SETTINGS_OF = """
    SELECT unnest(setconfig) FROM pg_db_role_setting JOIN pg_database ON pg_database.oid = setdatabase
    WHERE datname = %s AND setrole = 0
"""

ProvisionMode: TypeAlias = Literal["auto", "url", "container", "embedded"]


@dataclass(slots=True)
class Server:
    """A server that answers. `why` says how it came to be chosen; no attribute but `dsn` holds a password.

    `restart` has it die at once and come back from its log; None where it is not ours to restart. `stale` are the
    databases of killed runs that were found on it and dropped.
    """

    dsn: str = field(repr=False)
    description: str
    why: str
    version: str = ""
    restart: Callable[[], None] | None = None
    stale: tuple[str, ...] = ()
    _made: set[str] = field(default_factory=set)
    _owner: Owner | None = None

    def create_database(self, template: str | None = None) -> Database:
        """Creates a database, empty or a copy of `template`, to which there may be no connection."""
        if self._owner is None:
            self._owner = Owner(self.dsn)
        name = self._owner.name()
        base = sql.SQL("template0 ENCODING 'UTF8' LOCALE 'C'") if template is None else sql.Identifier(template)
        self._made.add(name)
        with self._session() as session:
            session.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), base))
            _move_abroad(session, name)
        return Database(name=name, dsn=to_url(parse_dsn(self.dsn), dbname=name), server=self)

    def drop_database(self, name: str) -> None:
        """Drops it with whatever is connected; does nothing where it is gone."""
        with self._session() as session:
            _drop(session, name)
        self._made.discard(name)

    def drop_all(self) -> None:
        """Drops every database that this object made and that is still there."""
        for name in sorted(self._made):
            self.drop_database(name)

    def release(self) -> None:
        """Releases the databases that are still there, which the next run may then drop."""
        if self._owner is not None:
            self._owner.close()
            self._owner = None

    def check(self) -> None:
        """Raises EnvironmentProblem where the server no longer answers."""
        _connect(self)

    def _session(self) -> psycopg.Connection[tuple[Any, ...]]:
        return psycopg.connect(self.dsn, autocommit=True, connect_timeout=_CONNECT_S)


@dataclass(frozen=True, slots=True)
class Database:
    """A database that we made; `dsn` is a URL."""

    name: str
    dsn: str = field(repr=False)
    server: Server = field(repr=False)

    def drop(self) -> None:
        """Drops it with whatever is connected; may be called twice."""
        self.server.drop_database(self.name)


@contextlib.contextmanager
def provision(
    url: str | None = None, mode: ProvisionMode = "auto", *, settings: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """A server, and afterwards nothing of what was made on it or for it, also after SIGINT, SIGTERM and SIGHUP.

    What runs that were killed with SIGKILL had left goes first: folders here, and databases on a server that is not
    ours. Inside the block no variable of libpq's is set: what they said of the server stands in its URL. `settings` are
    server settings by name, for servers that we start. Raises ConfigurationProblem for an empty URL, EnvironmentProblem
    where no server can be had, and where the block fails because it no longer answers, or refuses for want of space,
    memory or connections.
    """
    given, origin = given_url(url) if mode in ("auto", "url") else (None, "")
    with _blaming_the_server(given), contextlib.ExitStack() as stack:
        stack.enter_context(_terminable())
        clear_left_behind()
        if given is not None:
            server = _connect(Server(dsn=given, description=redact(given), why=f"given by {origin}"))
            stack.enter_context(without_variables())
            server.stale = drop_stale(server.dsn)
            stack.callback(server.release)
            stack.callback(server.drop_all)
        elif mode == "url":
            raise EnvironmentProblem(f"no Postgres URL: give --postgres URL or set {URL_VARIABLE}")
        else:
            stack.enter_context(without_variables())
            server = _connect(_start(stack, mode, settings or {}))
            stack.callback(server.release)
        yield server


def given_url(url: str | None) -> tuple[str | None, str]:
    """Returns the URL of the argument, else of the variable, and which of them gave it.

    Raises ConfigurationProblem for an empty one: whoever gives it, as where a variable is not set, means some server,
    and would get another.
    """
    given, origin = (url, "--postgres") if url is not None else (os.environ.get(URL_VARIABLE), URL_VARIABLE)
    if given is not None and not given.strip():
        raise ConfigurationProblem(
            f"{origin} is empty, so the server that is meant is not known; give a URL, or leave {origin} out"
        )
    return given, origin


def copy_again(dsn: str, name: str, template: str) -> None:
    """Drops a database with whatever is connected, and makes it anew as a copy of `template`, settings included.

    `dsn` leads to the server; there may be no connection to the template.
    """
    with psycopg.connect(dsn, autocommit=True, connect_timeout=_CONNECT_S) as session:
        _drop(session, name)
        session.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        )
        _take_settings(session, name, template)


def _take_settings(session: psycopg.Connection[Any], name: str, template: str) -> None:
    """Gives a database the settings that another one has by ALTER DATABASE, which a copy does not take along."""
    for (setting,) in session.execute(_SETTINGS_OF, [template]).fetchall():
        variable, _, value = setting.partition("=")
        statement = sql.SQL("ALTER DATABASE {} SET {} = {}")
        session.execute(statement.format(sql.Identifier(name), sql.Identifier(variable), value))


def _drop(session: psycopg.Connection[Any], name: str) -> None:
    session.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _move_abroad(session: psycopg.Connection[tuple[Any, ...]], name: str) -> None:
    """Gives a database a time zone that is not UTC; does nothing where the server knows no such zone."""
    zone = database_zone()
    if zone is not None:
        with contextlib.suppress(psycopg.DataError):
            session.execute(sql.SQL("ALTER DATABASE {} SET TimeZone = {}").format(sql.Identifier(name), zone))


def _start(stack: contextlib.ExitStack, mode: ProvisionMode, settings: Mapping[str, str]) -> Server:
    why = "asked for"
    if mode in ("auto", "container"):
        try:
            dsn, image, crash = stack.enter_context(container(settings))
            return Server(
                dsn=dsn,
                description=f"container of {image}",
                why=why if mode == "container" else "Docker answers",
                restart=crash,
            )
        except EnvironmentProblem as problem:
            if mode == "container":
                raise
            why = str(problem).partition("; or give")[0]
    dsn, restart = stack.enter_context(embedded(settings))
    return Server(dsn=dsn, description="embedded server", why=why, restart=restart)


def _connect(server: Server) -> Server:
    """Returns the server once it has answered, is new enough and lets us make databases."""
    place = redact(server.dsn)
    try:
        with connect_as_given(server.dsn, _CONNECT_S) as (connection, dsn):
            number = connection.info.server_version
            rights = connection.execute(
                "SELECT current_user, rolcreatedb OR rolsuper, current_setting('server_version')"
                " FROM pg_roles WHERE rolname = current_user"
            ).fetchone()
    except psycopg.Error as error:
        raise EnvironmentProblem(
            f"Postgres at {place} refuses: {scrub(str(error), parse_dsn(server.dsn))}; "
            "check host, port, user, password and database"
        ) from None
    server.dsn = dsn
    user, may_create, version = rights or ("?", False, "?")
    if number < _OLDEST:
        raise EnvironmentProblem(f"Postgres at {place} is version {version}; 14 or newer is needed")
    if not may_create:
        raise EnvironmentProblem(
            f'user "{user}" may not create databases on {place}; run: ALTER ROLE "{user}" CREATEDB, or use another user'
        )
    server.version = str(version)
    return server


@contextlib.contextmanager
def _blaming_the_server(given: str | None) -> Iterator[None]:
    try:
        yield
    except psycopg.OperationalError as error:
        said = scrub(str(error), parse_dsn(given) if given else {})
        raise EnvironmentProblem(
            f"Postgres failed while it was used: {said}; see that it runs and has room, memory and connections, "
            "and run again"
        ) from error


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """Makes SIGTERM and SIGHUP unwind as SIGINT does, unless the program handles or, as under nohup, ignores them."""
    main = threading.current_thread() is threading.main_thread()
    ours = [each for each in (signal.SIGTERM, signal.SIGHUP) if main and signal.getsignal(each) is signal.SIG_DFL]
    for each in ours:
        signal.signal(each, signal.default_int_handler)
    try:
        yield
    finally:
        for each in ours:
            signal.signal(each, signal.SIG_DFL)
