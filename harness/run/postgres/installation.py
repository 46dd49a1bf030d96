"""An engine's tables in a database, on their own or in one made for them. Does I/O."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import psycopg
from psycopg import sql

from cutover.engines.byprocess.faults import BadEngineSettings
from cutover.engines.registry import resolve
from cutover.harness.errors import EnvironmentProblem
from cutover.harness.run.postgres.dsn import parse_dsn, refuse_encrypted, scrub
from cutover.harness.run.postgres.server import Database, Server
from cutover.harness.run.process.lifetime import refused_to_all
from cutover.harness.run.process.refusal import refusal_of
from cutover.harness.run.world.engine import idle

__all__ = ["install_engine", "installed", "installed_copies"]

_FLUSH = "SELECT pg_logical_emit_message(true, 'cutover', 'installed')"
"""A commit that changes nothing and waits for the log, and so for everything before it."""


def install_engine(spec: str, dsn: str) -> None:
    """Makes the engine's tables in a database, durably however the engine commits. Raises what the engine raises."""
    engine = resolve(spec)(idle(dsn, "the installation"))
    try:
        engine.install()
    finally:
        engine.close()
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SET synchronous_commit = on")
        connection.execute(_FLUSH)


@contextlib.contextmanager
def installed(server: Server, spec: str, *, relaxed: bool = False) -> Iterator[str]:
    """A database of its own with the engine's tables, dropped afterwards; yields its URL.

    A relaxed one does not wait for the disk at each commit, which only a death of the server itself could tell.
    Whatever happens when the server no longer answers is the environment's fault: raises EnvironmentProblem, also where
    nothing went wrong here, since a server that shuts down refuses new workers and still answers whoever is connected.
    """
    refuse_encrypted(server.dsn)
    database = server.create_database()
    try:
        if relaxed:
            _relax(server, database)
        _install(spec, server, database)
        yield database.dsn
    except Exception:
        server.check()
        raise
    else:
        server.check()
    finally:
        _let_go(database)


@contextlib.contextmanager
def installed_copies(server: Server, spec: str, count: int, *, relaxed: bool = False) -> Iterator[tuple[str, ...]]:
    """As `installed`, the URLs of several databases; the first is the one that the others are copies of."""
    with installed(server, spec, relaxed=relaxed) as first, contextlib.ExitStack() as stack:
        template = parse_dsn(first)["dbname"]
        dsns = [first]
        for _ in range(count - 1):
            copy = server.create_database(template)
            stack.callback(_let_go, copy)
            if relaxed:
                _relax(server, copy)
            dsns.append(copy.dsn)
        yield tuple(dsns)


def _install(spec: str, server: Server, database: Database) -> None:
    try:
        install_engine(spec, database.dsn)
    except BadEngineSettings:
        raise
    except Exception as error:
        said = scrub(str(error), parse_dsn(server.dsn))
        if refused := refusal_of(error):
            where = f"{server.description}, at the installation"
            raise refused_to_all(scrub(refused, parse_dsn(server.dsn)), where) from error
        raise EnvironmentProblem(
            f"engine {spec!r} could not be installed on {server.description} ({type(error).__name__}: {said}); "
            "mend the engine or give another --postgres"
        ) from error


def _let_go(database: Database) -> None:
    with contextlib.suppress(psycopg.OperationalError):  # where the server is gone, so is the database
        database.drop()


def _relax(server: Server, database: Database) -> None:
    statement = sql.SQL("ALTER DATABASE {} SET synchronous_commit = off").format(sql.Identifier(database.name))
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        connection.execute(statement)
