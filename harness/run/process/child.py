"""A child process of ours as its parent sees it: lines of JSON to it, lines from it. Starts and ends a process.

Every child is started here: with its parent's own Cutover and its parent's module path, but for the current folder,
which comes last; in a session of its own, so that Ctrl-C reaches the parent alone; and so that it dies with it.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import IO, Final

from cutover.engines.modulepath import current_folder_last, without_current_folder
from cutover.harness.run.process.boot import BOOT
from cutover.harness.run.process.lifetime import FROM_OUTSIDE, discard_folders
from cutover.harness.run.process.zone import PROCESS_ZONE

__all__ = ["Child", "ChildExit", "ChildProgram"]

_EXIT_S: Final = 5.0
"""How long one that has closed its output may take to be gone."""
_IDLE_S, _UNWIND_S = 1.0, 10.0
"""How long one that unwinds may take to end when it has nothing to do, and in the middle of a job."""
_PACKAGE: Final = sys.modules[__name__.partition(".")[0]]
_TAIL: Final = 2000
"""Bytes of standard error that are kept of a child that has ended."""


@dataclass(frozen=True, slots=True)
class ChildProgram:
    """What a child runs: `entry`, "package.module:function" of one `ParentLink`, and what it is told at its start.

    One that `unwinds` begins what it has to end itself, such as processes of its own, and is given time for that.
    Where `keeps_errors`, the end of what it writes to standard error is kept; else that goes where the parent's goes.
    `sources` are the digests of the engines that it loads, by their specs: with others it does not begin, and fails at
    its first job with OtherSources.
    """

    entry: str
    setup: object
    unwinds: bool = False
    keeps_errors: bool = False
    sources: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ChildExit:
    """How a child has ended: `status` is negative for a signal, `killed_from_outside` says that it was one of
    `FROM_OUTSIDE` and not of ours, `errors` is the end of what it wrote to standard error.
    """

    status: int
    killed_from_outside: bool
    errors: str = ""

    def __str__(self) -> str:
        said = " ".join(self.errors.split())[-500:]
        how = f"signal {-self.status}" if self.status < 0 else f"exit status {self.status}"
        return f"{how}: {said}" if said else how


class Child:
    """One process."""

    def __init__(self, program: ChildProgram) -> None:
        self._unwinds = program.unwinds
        self._errors = tempfile.TemporaryFile() if program.keeps_errors else None  # noqa: SIM115 - closed in `end`
        end = signal.SIGTERM if program.unwinds else signal.SIGKILL
        arguments = [program.entry, str(int(end)), str(os.getpid()), str(_PACKAGE.__file__), *current_folder_last()]
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and code
            [sys.executable, "-P", "-c", BOOT, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=_environment(),
            start_new_session=True,
        )
        self._orders, self._answers = _pipe(self._process.stdin), _pipe(self._process.stdout)
        self._unfinished: list[bytes] = []
        self._silent = False
        self.send({"setup": program.setup, "sources": dict(program.sources)})

    def fileno(self) -> int:
        """Returns the descriptor on which it answers, for a selector."""
        return self._answers.fileno()

    def send(self, message: object) -> None:
        """Sends a line of JSON; that a child is gone shows at its output, not here."""
        with contextlib.suppress(BrokenPipeError):
            self._orders.write(json.dumps(message).encode("ascii") + b"\n")
            self._orders.flush()

    def lines(self) -> list[bytes] | None:
        """Returns the whole lines that have come, after waiting for something to come; None where it is gone."""
        data = os.read(self.fileno(), 1 << 20)
        if not data:
            self._silent = True
            return None
        first, *rest = data.split(b"\n")
        self._unfinished.append(first)
        if not rest:
            return []
        whole = b"".join(self._unfinished)
        self._unfinished = [rest.pop()]
        return [whole, *rest]

    def hang_up(self) -> None:
        """Closes the line to it, which ends one that has nothing to do."""
        with contextlib.suppress(OSError):
            self._orders.close()

    def end(self) -> ChildExit:
        """Ends it if it lives, and frees what it held."""
        self.hang_up()
        by_itself = self._await_exit(_EXIT_S) if self._silent else self._unwinds and self._await_exit(_IDLE_S)
        if not by_itself and self._unwinds:
            self._process.terminate()  # it is in the middle of a job
            self._await_exit(_UNWIND_S)
        self._process.kill()
        status = self._process.wait()
        self._answers.close()
        discard_folders(self._process.pid)
        return ChildExit(status, bool(by_itself) and -status in FROM_OUTSIDE, self._tail())

    def _await_exit(self, seconds: float) -> bool:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
            return True
        return False

    def _tail(self) -> str:
        if self._errors is None:
            return ""
        with self._errors as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL))
            return file.read().decode("utf-8", "replace")


def _environment() -> dict[str, str]:
    """Returns our own variables but for the zone, with a PYTHONPATH that is as safe for what a child starts."""
    environment = {**os.environ, "TZ": PROCESS_ZONE}
    path = without_current_folder(environment.pop("PYTHONPATH", ""))
    return {**environment, "PYTHONPATH": path} if path else environment


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise AssertionError
    return pipe
