"""A runner process as its parent sees it: a line to it, a line back. Starts and ends a process."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Final

from cutover.harness.errors import CutoverProblem, EnvironmentProblem
from cutover.harness.run.process.folders import discard_sockets
from cutover.harness.run.process.killed import killed_from_outside
from cutover.harness.run.world.committed import EngineProblem

__all__ = ["Remote", "RunnerProblem"]

_IDLE_S, _END_S = 1.0, 10.0
"""How long a runner may take to end when it has nothing to do, and in the middle of a request."""
_PASSED_ON: Final[Mapping[str, type[CutoverProblem]]] = {"engine": EngineProblem, "environment": EnvironmentProblem}


class RunnerProblem(CutoverProblem):
    """A runner process failed at what it was asked, a fault of the harness or of the machine, not of the engine."""


class Remote:
    """One process of `cutover.harness.run.crash.runner`; `handler` is the module that answers in it.

    `dsn` is a database in which the engine is installed. `deadline_s` is real time for one command, `takeover_s` how
    far the virtual clock moves after a death.
    """

    def __init__(self, handler: str, engine: str, dsn: str, *, deadline_s: float, takeover_s: float) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-m", "cutover.harness.run.crash.runner", str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(part for part in sys.path if part)},
                start_new_session=True,
            )
        self._link = ours
        self._lines = ours.makefile("rwb")
        settings = {
            "handler": handler,
            "engine": engine,
            "dsn": dsn,
            "deadline_s": deadline_s,
            "takeover_s": takeover_s,
        }
        self._say(settings, "its start")

    def ask(self, request: Mapping[str, object], what: str, restart: Callable[[], None] | None = None) -> bytes:
        """The answer, a line; `restart` restarts the server.

        Raises RunnerProblem, EngineProblem or EnvironmentProblem, which name `what` was asked.
        """
        self._say(request, what)
        line: bytes
        while (line := self._heard(what)).startswith(b'{"restart"'):
            if restart is not None:
                restart()
            self._say({}, what)
        if not line.endswith(b"\n"):
            raise self._ended(what)
        if line.startswith(b'{"error"'):
            failure = json.loads(line)
            if failure["kind"] in _PASSED_ON:
                raise _PASSED_ON[failure["kind"]](f"{what}: {failure['error']}")
            raise RunnerProblem(f"{what}: the harness failed: {failure['error']}\n{failure['trace']}")
        return line

    def close(self) -> None:
        """Ends the process, which first ends all that it began; blocks until both are gone."""
        with contextlib.suppress(OSError):
            self._link.shutdown(socket.SHUT_RDWR)
        try:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=_IDLE_S)
                return
            self._process.terminate()  # it is in the middle of a request
            self._process.wait(timeout=_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        finally:
            discard_sockets(self._process.pid)
            with contextlib.suppress(OSError):
                self._lines.close()
            self._link.close()

    def _say(self, message: Mapping[str, object], what: str) -> None:
        try:
            self._lines.write(json.dumps(message).encode("ascii") + b"\n")
            self._lines.flush()
        except OSError as error:
            raise self._ended(what) from error

    def _heard(self, what: str) -> bytes:
        try:
            return self._lines.readline()
        except OSError as error:
            raise self._ended(what) from error

    def _ended(self, what: str) -> CutoverProblem:
        """Why there is no answer."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            if self._process.wait(timeout=_IDLE_S) == -signal.SIGKILL:
                return killed_from_outside(f"a runner process, at {what},")
        return RunnerProblem(f"the runner process ended at {what}; its last words are on stderr; run it again")
