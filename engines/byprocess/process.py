"""The process of an engine: started, sent lines, read line by line, and ended with all that it started. Does I/O.

One thread waits for everything. Both sides may write much at the same time, so whoever writes here reads as well. What
the process says on standard error is passed on as it is waited for.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from cutover.engines.byprocess.faults import BrokenProtocol, EngineGone
from cutover.engines.byprocess.lifeline import die_with_parent, note_ended, note_started
from cutover.engines.byprocess.passed_on import PassedOn

__all__ = ["MOST_BYTES", "EngineProcess", "EngineProgram"]

MOST_BYTES: Final = 64 * 1024 * 1024
"""The most that a line from an engine may have."""
_CHUNK: Final = 1 << 16
_EXIT_S: Final = 2.0
"""How long one may take to exit once its input is closed, and again once it was sent SIGTERM."""
_KILLED_S: Final = 5.0
_LOOK_S: Final = 0.5
_MARK: Final = "CUTOVER_ENGINE"
"""The variable by which processes are found that an engine has started and that have left its group."""


@dataclass(frozen=True, slots=True)
class EngineProgram:
    """What is started: the command, its folder (None for the current one), and what is added to the environment."""

    command: Sequence[str]
    folder: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


class EngineProcess:
    """One process. It leads a group of its own; one that is `hosted` stays in the group of this process instead,
    which is killed and stopped as a whole. Either dies with this process. Raises EngineGone where it cannot be started.
    """

    def __init__(self, program: EngineProgram, *, hosted: bool) -> None:
        parent = os.getpid()
        self._hosted, self._mark = hosted, secrets.token_hex(16)
        self._incoming, self._searched, self._outgoing = bytearray(), 0, bytearray()

        def start() -> subprocess.Popen[bytes]:
            return subprocess.Popen(  # noqa: S603 - what the user named
                list(program.command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=program.folder,
                env={**os.environ, **program.environment, _MARK: self._mark},
                process_group=None if hosted else 0,
                preexec_fn=lambda: die_with_parent(signal.SIGKILL, parent),  # noqa: PLW1509 - one call of the kernel's
                bufsize=0,
            )

        try:
            self._process = _STARTER.run(start)
        except (OSError, ValueError) as error:
            what = getattr(error, "strerror", None) or str(error)
            missing = getattr(error, "filename", None) or program.command[0]
            raise EngineGone(f"its command cannot be started: {what}: {missing!r}") from error
        self.pid = self._process.pid
        note_started(self.pid)
        self._stdin, self._stdout = _pipe(self._process.stdin), _pipe(self._process.stdout)
        self._errors = PassedOn(_pipe(self._process.stderr), self.pid)
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
        if not self._exited(_EXIT_S):
            self._signal(signal.SIGTERM)
            self._exited(_EXIT_S)
        return self.kill()

    def kill(self) -> str:
        """Ends it and what it has started at once; returns how it ended."""
        if self._process.returncode is None or not self._hosted:
            self._signal(signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_KILLED_S)
        if not self._hosted:  # whoever hosts it looks after what it leaves
            _kill_marked(f"{_MARK}={self._mark}".encode())
        self._errors.read()
        for pipe in (self._stdin, self._stdout, self._errors):
            with contextlib.suppress(OSError):
                pipe.close()
        note_ended(self.pid)
        return self._how()

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
        if self._process.poll() is not None and not self._poll.poll(_LOOK_S * 1000):
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
            error.ended_by = max(0, -(self._process.returncode or 0))
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
        if self._exited(_EXIT_S):
            return f"its process ended{where}: {self._how()}"
        return f"its process closed its standard input or output{where}, and goes on"

    def _exited(self, seconds: float) -> bool:
        """Whether it ends within that time; what it says on standard error meanwhile is passed on."""
        until = time.monotonic() + seconds
        while self._process.poll() is None:
            if time.monotonic() > until:
                return False
            self._errors.read()
            time.sleep(0.002)
        self._errors.read()
        return True

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if self._hosted:
                os.kill(self.pid, number)
            else:
                os.killpg(self.pid, number)

    def _how(self) -> str:
        status = self._process.returncode
        if status is None:
            how = "it cannot be ended"
        else:
            how = f"exit status {status}" if status >= 0 else f"signal {signal.Signals(-status).name}"
        said = self._errors.tail()
        return f"{how}; its last words: {said}" if said else how


class _Starter:
    """Starts processes in the main thread or in one of its own, which lasts as long as this process.

    The kernel takes the end of the thread that started a process for the end of its parent.
    """

    def __init__(self) -> None:
        self._thread: ThreadPoolExecutor | None = None
        os.register_at_fork(after_in_child=self._forget)

    def run(self, start: Callable[[], subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]:
        """Returns what was started. Raises what starting it raises."""
        if threading.current_thread() is threading.main_thread():
            return start()
        self._thread = self._thread or ThreadPoolExecutor(max_workers=1, thread_name_prefix="engine-starter")
        return self._thread.submit(start).result()

    def _forget(self) -> None:
        """In a forked process there is no such thread."""
        self._thread = None


_STARTER: Final = _Starter()


def _kill_marked(mark: bytes) -> None:
    """Kills every process whose environment has the mark."""
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (entry / "environ").read_bytes().split(b"\0"):
                os.kill(int(entry.name), signal.SIGKILL)


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise AssertionError
    return pipe
