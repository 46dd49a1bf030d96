"""The process of an engine that is spoken to by lines: sent them, read line by line, and ended. Does I/O.

One thread waits for everything. Both sides may write much at the same time, so whoever writes here reads as well. What
the process says on standard error is passed on as it is waited for.
"""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import time
from typing import Final

from cutover.engines.byprocess.faults import BrokenProtocol, EngineGone
from cutover.engines.byprocess.passed_on import PassedOn
from cutover.engines.byprocess.started import EXIT_S, EngineProgram, StartedProcess

__all__ = ["MOST_BYTES", "EngineProcess"]

MOST_BYTES: Final = 64 * 1024 * 1024
"""The most that a line from an engine may have."""
_CHUNK: Final = 1 << 16
_LOOK_S: Final = 0.5


class EngineProcess:
    """One process that is spoken to by lines; `StartedProcess` says how it starts and what it raises then."""

    def __init__(self, program: EngineProgram, *, hosted: bool) -> None:
        self._process = StartedProcess(program, hosted=hosted, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        self._incoming, self._searched, self._outgoing = bytearray(), 0, bytearray()
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        self._errors = PassedOn(self._process.stderr, self._process.pid)
        self._poll = select.poll()
        for pipe in (self._stdin, self._stdout):
            os.set_blocking(pipe.fileno(), False)
        self._poll.register(self._stdout, select.POLLIN)
        self._poll.register(self._errors, select.POLLIN)

    def send(self, line: bytes, within_s: float) -> None:
        """Sends a line, whole. Raises EngineGone where the process is gone, or takes nothing for that long."""
        self._outgoing += line
        until = time.monotonic() + within_s
        self._write()
        while self._outgoing:
            self._wait(until, f"takes nothing from standard input for {within_s:g} s")

    def receive(self, until: float, within_s: float, but: str = "") -> bytes:
        """Returns the next line, without its end, by `until` (the monotonic clock), which is `within_s` in all.

        `but` is what it has said meanwhile. Raises EngineGone, or BrokenProtocol where it is too long.
        """
        while (line := self._next()) is None:
            self._wait(until, f"says nothing{but} for {within_s:g} s")
        return line

    def unasked(self) -> list[bytes]:
        """Returns the lines that have come so far, without waiting."""
        self._turn(0)
        lines = []
        while (line := self._next()) is not None:
            lines.append(line)
        return lines

    def end(self) -> str:
        """Ends it and what it has started: by the end of its input, SIGTERM, then SIGKILL; returns how it ended."""
        with contextlib.suppress(OSError):
            self._stdin.close()
        if not self._exited(EXIT_S):
            self._process.terminate()
            self._exited(EXIT_S)
        return self.kill()

    def kill(self) -> str:
        """Ends it and what it has started at once; returns how it ended."""
        self._process.kill()
        self._errors.read()
        for pipe in (self._stdin, self._stdout, self._errors):
            with contextlib.suppress(OSError):
                pipe.close()
        return self._process.how(self._errors.tail())

    def _next(self) -> bytes | None:
        end = self._incoming.find(b"\n", self._searched)
        if end < 0:
            self._searched = len(self._incoming)
            if self._searched > MOST_BYTES:
                raise BrokenProtocol(f"it wrote a line of more than {MOST_BYTES:,} bytes to standard output")
            return None
        line = bytes(self._incoming[:end])
        del self._incoming[: end + 1]
        self._searched = 0
        return line

    def _wait(self, until: float, what: str) -> None:
        left = until - time.monotonic()
        if left <= 0:
            raise EngineGone(f"its process {what}")
        self._turn(min(left, _LOOK_S))
        if self._process.status is not None and not self._poll.poll(_LOOK_S * 1000):
            raise EngineGone(self._why_silent())  # somebody else holds its standard output open

    def _turn(self, seconds: float) -> None:
        """Waits for the process to say or take something, and does what can be done then."""
        for descriptor, events in self._poll.poll(seconds * 1000):
            if descriptor == self._errors.fileno():
                if not self._errors.read():
                    self._poll.unregister(descriptor)
            elif descriptor == self._stdout.fileno():
                self._read()
            elif events:
                self._write()

    def _read(self) -> None:
        try:
            data = os.read(self._stdout.fileno(), _CHUNK)
        except BlockingIOError:
            return
        if not data:
            error = EngineGone(self._why_silent())
            error.ended_by = max(0, -(self._process.status or 0))
            raise error
        self._incoming += data

    def _write(self) -> None:
        try:
            sent = os.write(self._stdin.fileno(), self._outgoing) if self._outgoing else 0
        except BlockingIOError:
            sent = 0
        except OSError:  # it is gone: what it said before is read first
            sent = len(self._outgoing)
        del self._outgoing[:sent]
        if self._outgoing:
            self._poll.register(self._stdin, select.POLLOUT)
        else:
            with contextlib.suppress(KeyError):
                self._poll.unregister(self._stdin)

    def _why_silent(self) -> str:
        where = " in the middle of a line" if self._incoming else ""
        if self._exited(EXIT_S):
            return f"its process ended{where}: {self._process.how(self._errors.tail())}"
        return f"its process closed its standard input or output{where}, and goes on"

    def _exited(self, seconds: float) -> bool:
        """Whether it ends within that time; what it says on standard error meanwhile is passed on."""
        return self._process.exited(seconds, self._errors.read)
