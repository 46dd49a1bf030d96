"""Which run owns which database of a server, to tell the databases of a killed run from those of a live one.

Does I/O. A run holds an advisory lock for as long as its process lives: the session ends with the process, however it
ends, and the lock with the session. The run's databases carry the lock's number in their names, and a comment that
names the process. A database is left behind when it carries such a comment, its lock is not held, no session is
connected to it, and its process does not live on this machine; all of these, since a session may also be lost while its
run goes on, and since a name alone does not make a database ours.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from pathlib import Path
from typing import Any, Final, Literal

import psycopg
from psycopg import sql

from cutover.engines.sqlfiles import sql as sql_file

__all__ = ["Owner", "drop_stale", "mark", "owner_state"]

_CLASS: Final = 0x6375746F
"""The first half of every run's lock: "cuto" in ASCII."""
_CONNECT_S: Final = 10


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
        return f"cutover_{self._key:08x}_{self._count}"

    def note(self, connection: psycopg.Connection[Any], name: str) -> None:
        """Writes into the database's comment which process it belongs to."""
        statement = sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(name), sql.Literal(mark()))
        connection.execute(statement)

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

    One that belongs to another role, or to which there is a connection by now, stays. Raises psycopg.OperationalError
    where the server does not answer.
    """
    gone = []
    with psycopg.connect(dsn, autocommit=True, connect_timeout=_CONNECT_S) as connection:
        for name, comment in connection.execute(
            sql_file("cutover.harness.run.postgres", "left_behind"), {"class": _CLASS}
        ).fetchall():
            if owner_state(comment) in {"alive", "unknown"}:
                continue
            with contextlib.suppress(psycopg.errors.InsufficientPrivilege, psycopg.errors.ObjectInUse):
                connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))
                gone.append(name)
    return tuple(gone)


def mark() -> str:
    """Names this process, so that `owner_state` knows it again."""
    return json.dumps({"host": _host(), "pid": os.getpid(), "started": _started(os.getpid())})


def owner_state(marked: str | None) -> Literal["alive", "gone", "elsewhere", "unknown"]:
    """Returns the state of the process named by a mark: `elsewhere` on another machine, `unknown` for other texts."""
    try:
        owner = json.loads(marked or "{}")
        host, pid, started = owner["host"], owner["pid"], owner["started"]
        if host != _host():
            return "elsewhere"
        return "alive" if _started(pid) == started else "gone"
    except (ValueError, KeyError, TypeError):
        return "unknown"


def _host() -> str:
    """This boot of this machine, and the process ids that are seen from here."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return f"{boot} {Path('/proc/self/ns/pid').readlink()}"


def _started(pid: int) -> int | None:
    """Returns when a process began, in ticks since the boot; None where there is no such process."""
    try:
        line = Path(f"/proc/{int(pid)}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return int(line.rpartition(")")[2].split()[19])


def _signed(key: int) -> int:
    return key - (1 << 32) if key >= 1 << 31 else key
