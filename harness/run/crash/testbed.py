"""What all crash cases of one engine share: the loop, the proxy, and a reader of journals. Does I/O."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from cutover.engines.api import Engine, EngineFactory, Journal
from cutover.engines.errors import CutoverError, UnknownExecution
from cutover.engines.sqlfiles import sql
from cutover.harness.run.postgres.dsn import parse_dsn
from cutover.harness.run.postgres.server import copy_again
from cutover.harness.run.process.forkserver import ForkServer
from cutover.harness.run.process.launcher import Launcher
from cutover.harness.run.process.lifetime import Closing
from cutover.harness.run.process.loop import Loop
from cutover.harness.run.process.mark import started
from cutover.harness.run.proxy.proxy import Proxy
from cutover.harness.run.world.engine import EngineProblem, committed, idle

__all__ = ["TAKEOVER_S", "Testbed"]

TAKEOVER_S = 31.0
"""How far time moves on after a death before another worker resumes: beyond a lease of 30 s."""
_PR_SET_CHILD_SUBREAPER = 36
_GRACE_S = 0.2
"""How long processes that an engine started have to see that it is gone, real seconds."""
_RELATIONS = """
    SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND n.nspname !~ '^(pg_|information_schema)'
"""


class Testbed(Closing):
    """Where cases of one engine are played, one after another. `dsn` is a database the engine is installed in.

    `deadline_s` is real time for one command; `takeover_s` is how far the virtual clock moves after a death. `launcher`
    starts the processes that host the engine, by default a fork server; it is closed with the testbed.
    """

    __test__ = False  # pytest would take a class of this name for a test

    def __init__(
        self,
        factory: EngineFactory,
        dsn: str,
        *,
        deadline_s: float = 20.0,
        takeover_s: float = TAKEOVER_S,
        restart: Callable[[], None] | None = None,
        launcher: Launcher | None = None,
    ) -> None:
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)
        self.launcher: Launcher = launcher or ForkServer(factory, dsn)
        self._others = frozenset(_children())
        self._readers: set[int] = set()
        self._factory = factory
        self.deadline_s = deadline_s
        self.takeover = timedelta(seconds=takeover_s)
        self.clock = self.launcher.clock
        self.loop = Loop()
        self.proxy = Proxy(self.loop, dsn)
        self._dsn = dsn
        self._restart = restart
        self._catalog: psycopg.Connection | None = None
        try:
            self._relations = self._relations_now()
            self._reader = self._make_reader()
        except BaseException:
            self._free()
            raise
        self.engine_name = self._reader.name

    def journal(self, execution_id: UUID) -> Journal | None:
        """Returns what is committed of an execution, read past the proxy; None where nothing is.

        Raises EngineProblem where the engine cannot say.
        """
        try:
            return self._read(execution_id)
        except Exception:  # noqa: BLE001 - the server may have been restarted, and which driver the engine has is its own
            self._reader.close()
            self._reader = self._make_reader()
        try:
            return self._read(execution_id)
        except psycopg.OperationalError:
            raise  # the server is gone, which the engine did not do
        except Exception as error:
            raise EngineProblem(
                f"engine {self.engine_name!r} cannot say what it has committed: journal() failed with "
                f"{type(error).__name__}: {error}; mend the engine"
            ) from error

    def _read(self, execution_id: UUID) -> Journal | None:
        try:
            with self._keeping():
                return committed(self._reader, execution_id)
        except UnknownExecution:
            return None

    def new_relations(self) -> tuple[str, ...]:
        """Returns the tables, views and sequences that were made since the last call, after every installation."""
        now = self._relations_now()
        new, self._relations = now - self._relations, now
        return tuple(sorted(new))

    def waits_for_a_lock(self) -> bool:
        """Returns whether somebody waits for a lock that another session in this database holds."""
        [(waits,)] = self._asked(sql("cutover.harness.run.crash", "lock_waits"))
        return bool(waits)

    def _relations_now(self) -> frozenset[str]:
        return frozenset(name for (name,) in self._asked(_RELATIONS))

    def _asked(self, statement: str) -> list[tuple[Any, ...]]:
        if self._catalog is None or self._catalog.closed:
            self._catalog = psycopg.connect(self._dsn, autocommit=True)
        try:
            return self._catalog.execute(statement, prepare=True).fetchall()
        except psycopg.OperationalError:
            self._catalog = psycopg.connect(self._dsn, autocommit=True)  # the server may have been restarted
            return self._catalog.execute(statement, prepare=True).fetchall()

    def begin_anew(self, server_dsn: str, template: str) -> None:
        """Makes the database anew, as a copy of one on the same server, to which there may be no connection."""
        self._reader.close()
        self._readers.clear()
        if self._catalog is not None:
            self._catalog.close()
        self.kill_leftovers()
        copy_again(server_dsn, parse_dsn(self._dsn)["dbname"], template)
        self._relations = self._relations_now()
        self._reader = self._make_reader()

    def restart_server(self) -> None:
        """Stops the server with immediate and starts it again. Raises CutoverError for a server of others."""
        if self._restart is None:
            raise CutoverError("this server cannot be restarted from here; use a container or the embedded server")
        self._restart()

    def _make_reader(self) -> Engine:
        with self._keeping():
            return self._factory(idle(self._dsn, "the journal reader"))

    @contextlib.contextmanager
    def _keeping(self) -> Iterator[None]:
        """Leaves alive what the reader starts in the block.

        What comes meanwhile because its parent was killed, and we inherit it, has begun before.
        """
        before, began = set(_children()), _ticks()
        try:
            yield
        finally:
            new = set(_children()) - before
            self._readers = (self._readers & before) | {pid for pid in new if started(pid) >= began}

    def kill_leftovers(self) -> int:
        """Kills and reaps every process that came since the testbed was made; returns how many would have lived on."""
        count = 0
        until = time.monotonic() + _GRACE_S
        while children := set(_children()) - self._others - self._readers:
            late = time.monotonic() > until
            for pid in children:
                if os.waitpid(pid, os.WNOHANG) == (0, 0) and late:
                    os.kill(pid, signal.SIGKILL)
                    os.waitpid(pid, 0)
                    count += 1
            time.sleep(0.001)
        return count

    def close(self) -> None:
        """Frees connections, descriptors and processes."""
        self.kill_leftovers()
        try:
            self._reader.close()
        finally:
            self._readers.clear()
            self._free()

    def _free(self) -> None:
        self.launcher.close()
        self.kill_leftovers()  # ended processes that the launcher had not reaped are ours now
        if self._catalog is not None:
            self._catalog.close()
        self.proxy.close()
        self.loop.close()


def _ticks() -> int:
    """The time since the boot, as `started` counts it."""
    return int(time.clock_gettime(time.CLOCK_BOOTTIME) * os.sysconf("SC_CLK_TCK"))


def _children() -> list[int]:
    return [int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_bytes().split()]
