"""A worker process as its parent sees it. Starts and kills a process."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import asdict, replace
from typing import IO

from cutover.harness.run.process.deadline import ActiveTime
from cutover.harness.run.trials.worker import Setup, TrialJob

__all__ = ["WorkerProcess"]

_START_S = 60.0
"""How long a worker may take to say that it is ready, or that it has begun with a job."""
_EXIT_S = 5.0
"""How long one that has closed its output may take to be gone."""
_BOOT = (
    "import sys, json; sys.path[:] = json.loads(sys.argv[1]); "
    "from cutover.harness.run.trials.worker import main; main()"
)


class WorkerProcess:
    """One worker and what it is doing: `job` with the arms that have no record yet, and the `arm` in flight.

    `ready` says that it waits for a job; `killed_from_outside`, once it has ended, that somebody else sent SIGKILL;
    `deadline` is when it must have said something, by `active_time`. It is in a session of its own, so that Ctrl-C
    reaches the parent alone.
    """

    def __init__(self, setup: Setup, active_time: ActiveTime) -> None:
        self._active_time = active_time
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed in `end`
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and code
            [sys.executable, "-c", _BOOT, json.dumps(sys.path), str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            start_new_session=True,
        )
        self.deadline = self._active_time.now() + _START_S
        self.job: TrialJob | None = None
        self.arm: str | None = None
        self.ready = False
        self.killed_from_outside = False
        self._silent = False
        self._rest = b""
        self._send(asdict(setup))

    def fileno(self) -> int:
        """Where it answers, for a selector."""
        return _pipe(self._process.stdout).fileno()

    def give(self, job: TrialJob) -> None:
        """Hands it a job; it must be ready."""
        self.job, self.ready = job, False
        self.deadline = self._active_time.now() + _START_S
        self._send(asdict(job))

    def begins(self, arm: str, deadline_s: float) -> None:
        """An arm has begun."""
        self.arm, self.deadline = arm, self._active_time.now() + deadline_s

    def done(self) -> None:
        """The arm in flight is over."""
        if self.job is not None:
            self.job = replace(self.job, arms=[each for each in self.job.arms if each[0] != self.arm])
        self.arm = None

    def lines(self) -> list[bytes] | None:
        """The whole lines that have come; None where it is gone."""
        data = os.read(self.fileno(), 1 << 20)
        if not data:
            self._silent = True
            return None
        *lines, self._rest = (self._rest + data).split(b"\n")
        return lines

    def end(self) -> str:
        """Kills it if it lives, frees what it held; how it ended, with the last it printed."""
        if self._silent:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.killed_from_outside = self._process.wait(_EXIT_S) == -signal.SIGKILL
        self._process.kill()
        code = self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                _pipe(pipe).close()
        size = self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, size - 2000))
        said = " ".join(self._errors.read().decode("utf-8", "replace").split())[-500:]
        self._errors.close()
        return (f"signal {-code}" if code < 0 else f"exit status {code}") + (f": {said}" if said else "")

    def _send(self, message: dict[str, object]) -> None:
        with contextlib.suppress(BrokenPipeError):  # a worker that is gone shows at its output
            pipe = _pipe(self._process.stdin)
            pipe.write(json.dumps(message).encode("ascii") + b"\n")
            pipe.flush()


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise AssertionError
    return pipe
