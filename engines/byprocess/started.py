"""A process of an engine, started and ended with all that it starts. Starts and kills processes.

What is said on its pipes is its owner's business.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from cutover.engines.byprocess.faults import EngineGone
from cutover.engines.byprocess.lifeline import die_with_parent, note_ended, note_started

__all__ = ["EXIT_S", "EngineProgram", "StartedProcess"]

EXIT_S: Final = 2.0
"""How long one may take to exit once it was asked to, and again once it was sent SIGTERM."""
_KILLED_S: Final = 5.0
_MARK: Final = "CUTOVER_ENGINE"
"""The variable by which processes are found that an engine has started and that have left its group."""


@dataclass(frozen=True, slots=True)
class EngineProgram:
    """What is started: the command, its folder (None for the current one), and what is added to the environment."""

    command: Sequence[str]
    folder: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


class StartedProcess:
    """One process. It leads a group of its own; one that is `hosted` stays in the group of this process instead,
    which is killed and stopped as a whole. Either dies with this process. Raises EngineGone where it cannot be started.

    `stdin` and `stderr` are what `subprocess.Popen` takes; its standard output is a pipe.
    """

    def __init__(self, program: EngineProgram, *, hosted: bool, stdin: int, stderr: int) -> None:
        parent = os.getpid()
        self._hosted, self._mark = hosted, secrets.token_hex(16)
        try:
            self._process = subprocess.Popen(  # noqa: S603 - what the user named
                list(program.command),
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=stderr,
                cwd=program.folder,
                env={**os.environ, **program.environment, _MARK: self._mark},
                process_group=None if hosted else 0,
                preexec_fn=lambda: die_with_parent(signal.SIGKILL, parent),  # noqa: PLW1509 - one call of the kernel's
                bufsize=0,
            )
        except (OSError, ValueError) as error:
            what = getattr(error, "strerror", None) or str(error)
            missing = getattr(error, "filename", None) or program.command[0]
            raise EngineGone(f"its command cannot be started: {what}: {missing!r}") from error
        self.pid = self._process.pid
        note_started(self.pid)

    @property
    def stdin(self) -> IO[bytes]:
        """The end of its standard input where that is a pipe."""
        return _pipe(self._process.stdin)

    @property
    def stdout(self) -> IO[bytes]:
        """The end of its standard output."""
        return _pipe(self._process.stdout)

    @property
    def stderr(self) -> IO[bytes]:
        """The end of its standard error where that is a pipe of its own."""
        return _pipe(self._process.stderr)

    @property
    def status(self) -> int | None:
        """How it ended: its exit status, or the number of a signal as a negative one; None while it runs."""
        return self._process.poll()

    def exited(self, seconds: float, meanwhile: Callable[[], object]) -> bool:
        """Whether it ends within that time; `meanwhile` is done again and again until then, and once more."""
        until = time.monotonic() + seconds
        while self._process.poll() is None:
            if time.monotonic() > until:
                return False
            meanwhile()
            time.sleep(0.002)
        meanwhile()
        return True

    def terminate(self) -> None:
        """SIGTERM to it and its group; to it alone where the group is not its own."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """Ends it and what it has started at once."""
        if self._process.returncode is None or not self._hosted:
            self._signal(signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_KILLED_S)
        if not self._hosted:  # whoever hosts it looks after what it leaves
            _kill_marked(f"{_MARK}={self._mark}".encode())
        note_ended(self.pid)

    def how(self, said: str) -> str:
        """Returns how it ended, with the last words that it `said`."""
        status = self._process.returncode
        if status is None:
            how = "it cannot be ended"
        else:
            how = f"exit status {status}" if status >= 0 else f"signal {signal.Signals(-status).name}"
        return f"{how}; its last words: {said}" if said else how

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if self._hosted:
                os.kill(self.pid, number)
            else:
                os.killpg(self.pid, number)


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
