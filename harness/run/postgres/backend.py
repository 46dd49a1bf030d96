"""The crash of one backend, after which Postgres begins anew from its log, as after a crash of its own. Does I/O."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any, Final

import psycopg

from cutover.harness.errors import EnvironmentProblem

__all__ = ["LAZY_WRITER", "crash_backend"]

LAZY_WRITER: Final = {"wal_writer_delay": "10s"}
"""A setting for our own servers: a commit that did not wait for the disk is not saved behind the engine's back, so that
a crash shows it. Nobody who waits for commits notices."""

_SECONDS: Final = 60.0
_LOOK_S: Final = 0.01


def crash_backend(dsn: str, kill: Callable[[int], None]) -> None:
    """Has `kill` end a backend with SIGKILL, and returns when the server has recovered.

    The postmaster then ends all sessions and drops what is in shared memory: commits that were answered and not written
    are gone, and tables without a log are empty. `kill` gets the process id that the server knows. Raises
    EnvironmentProblem where the server does not come back.
    """
    until = time.monotonic() + _SECONDS
    with _session(dsn) as victim, _session(dsn) as bystander:
        row = victim.execute("SELECT pg_backend_pid()").fetchone()
        if row is not None:
            kill(row[0])
        while _answers(bystander):
            _wait(until, "kept its sessions though one of its processes was killed")
    while True:
        with contextlib.suppress(psycopg.OperationalError), _session(dsn):
            return
        _wait(until, "did not recover after one of its processes was killed")


def _session(dsn: str) -> psycopg.Connection[Any]:
    return psycopg.connect(dsn, autocommit=True, connect_timeout=10)


def _answers(session: psycopg.Connection[Any]) -> bool:
    try:
        session.execute("SELECT 1")
    except psycopg.OperationalError:
        return False
    return True


def _wait(until: float, what: str) -> None:
    if time.monotonic() > until:
        raise EnvironmentProblem(f"Postgres {what}; see its log, and run again")
    time.sleep(_LOOK_S)
