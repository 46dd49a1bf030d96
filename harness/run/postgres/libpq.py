"""The variables and files by which libpq finds a server: what they said goes into its URL. Changes `os.environ`.

An engine has its URL and nothing else: not every driver reads these variables, the proxy stands at another address, and
a server that we start would be looked for where they point.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg
from psycopg import pq

from cutover.harness.run.postgres.dsn import parse_dsn, to_url, unreadable

__all__ = ["connect_as_given", "without_variables"]

_VARIABLES: Final = frozenset(
    {"PGDATA", "PGDATESTYLE", "PGGEQO", "PGREALM", "PGSERVICEFILE", "PGSYSCONFDIR", "PGTZ"}
    | {option.envvar.decode() for option in pq.Conninfo.get_defaults() if option.envvar}
)
_FOUND: Final = ("dbname", "hostaddr", "options", "sslmode", "sslcert", "sslkey", "sslrootcert", "sslpassword")
"""What may stand in a variable or a service and is not an address or a login."""


@contextmanager
def without_variables() -> Iterator[None]:
    """Inside the block neither this process nor what it starts sees a variable of libpq's."""
    kept = {name: os.environ.pop(name) for name in _VARIABLES & os.environ.keys()}
    try:
        yield
    finally:
        os.environ.update(kept)


@contextmanager
def connect_as_given(dsn: str, timeout_s: int) -> Iterator[tuple[psycopg.Connection[tuple[object, ...]], str]]:
    """A connection to where a URL leads, and a URL that leads there without variables, password file and services.

    Raises EnvironmentProblem for what is no URL, psycopg.Error where nothing answers there.
    """
    parts = parse_dsn(dsn)
    if not {"dbname", "service"} & parts.keys() and not {"PGDATABASE", "PGSERVICE"} & os.environ.keys():
        parts["dbname"] = "postgres"
    try:  # a host's name is looked up by Python, which knows names that are none; what libpq found may be no text
        connection = psycopg.connect(to_url(parts), connect_timeout=timeout_s)
        try:
            complete = to_url(_complete(parts, connection.info))
        except BaseException:
            connection.close()
            raise
    except UnicodeError:
        raise unreadable() from None
    with connection:
        yield connection, complete


def _complete(parts: dict[str, str], info: psycopg.ConnectionInfo) -> dict[str, str]:
    """Returns the parts with what libpq has found elsewhere; of several hosts the one that has answered."""
    told = info.get_parameters()
    found = {name: told[name] for name in _FOUND if name in told}
    if info.host.startswith("/"):
        found.pop("sslmode", None)  # a socket on this machine is not encrypted, whatever is asked for
    login = {"host": info.host, "port": str(info.port), "user": info.user, "password": info.password}
    if "hostaddr" in found:
        login["hostaddr"] = info.hostaddr
    given = {name: value for name, value in parts.items() if name not in {"service", "servicefile", "passfile"}}
    return found | given | {name: value for name, value in login.items() if value}
