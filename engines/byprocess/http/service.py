"""A service that is started: its process, and when it takes commands. Starts a process and asks it by HTTP."""

from __future__ import annotations

import contextlib
import select
import socket
import subprocess
import threading
import time
from typing import Final

from cutover.engines.byprocess.faults import EngineGone
from cutover.engines.byprocess.http.address import PORT, ServiceAddress
from cutover.engines.byprocess.http.client import asked_once
from cutover.engines.byprocess.http.port import HeldPort
from cutover.engines.byprocess.passed_on import PassedOn
from cutover.engines.byprocess.started import EXIT_S, EngineProgram, StartedProcess

__all__ = ["StartedService"]

_OFTEN_S: Final = 0.01
_LOOK_S: Final = 0.5


class StartedService:
    """A service of its own port. What it says is passed on by a thread; `StartedProcess` says how else it lives.

    Its environment has PORT and, where there is a database, DATABASE_URL. Raises EngineGone where it cannot be started.
    """

    def __init__(self, program: EngineProgram, address: ServiceAddress, dsn: str, *, hosted: bool) -> None:
        self._port = HeldPort()
        port = str(self._port.number)
        self.address = address.at(self._port.number)
        given = {"PORT": port} | ({"DATABASE_URL": dsn} if dsn else {}) | dict(program.environment)
        started = EngineProgram(
            [word.replace(PORT, port) for word in program.command],
            program.folder,
            {name: value.replace(PORT, port) for name, value in given.items()},
        )
        try:
            self._process = StartedProcess(started, hosted=hosted, stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT)
        except EngineGone:
            self._port.close()
            raise
        self._said = PassedOn(self._process.stdout, self._process.pid, sought=(address.startup_line or "").encode())
        self._reading = threading.Thread(target=self._pass_on, daemon=True)
        self._stopped = False
        self._reading.start()

    def wait(self, within_s: float) -> None:
        """Returns once it takes commands. Raises EngineGone where it ends, or does not within that time."""
        until = time.monotonic() + within_s
        while not self._is_ready(until):
            if self._process.status is not None:
                raise self.gone()
            if time.monotonic() > until:
                raise EngineGone(f"its service is not ready after {within_s:g} s: {self._awaited()}")
            time.sleep(_OFTEN_S)

    def ended(self) -> bool:
        """Whether its process has ended, or does now."""
        return self._process.exited(EXIT_S, lambda: None)

    def gone(self) -> EngineGone:
        """Returns what is raised where it has ended."""
        self._reading.join(_LOOK_S)
        error = EngineGone(f"its process ended: {self._process.how(self._said.tail())}")
        error.ended_by = max(0, -(self._process.status or 0))
        return error

    def kill(self) -> None:
        """Ends it and what it has started at once."""
        self._process.kill()
        self._stopped = True
        self._reading.join(_LOOK_S)
        with contextlib.suppress(OSError):
            self._said.close()
        self._port.close()

    def end(self) -> None:
        """By SIGTERM, and what does not end by that by SIGKILL."""
        self._process.terminate()
        self._process.exited(EXIT_S, lambda: None)
        self.kill()

    def _is_ready(self, until: float) -> bool:
        if self.address.startup_line is not None:
            return self._said.found
        port = self._port.number
        if self.address.ready is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), _LOOK_S):
                return True
            return False
        answer = asked_once(f"http://127.0.0.1:{port}{self.address.ready}", max(_OFTEN_S, until - time.monotonic()))
        return 200 <= answer.status < 300

    def _awaited(self) -> str:
        if self.address.startup_line is not None:
            return f"it has not said {self.address.startup_line!r}"
        if self.address.ready is not None:
            return f"a GET of {self.address.ready} is not answered with 2xx"
        return f"nobody listens on port {self._port.number}, which PORT in its environment names"

    def _pass_on(self) -> None:
        poll = select.poll()
        poll.register(self._said, select.POLLIN)
        while self._said.read() and not self._stopped:
            poll.poll(_LOOK_S * 1000)
