"""Runner processes and the jobs that they share out among themselves. Does I/O."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TypeAlias

from harness.errors import CutoverProblem
from harness.judge.cases import Case
from scenarios.files import dumps
from scenarios.model import Scenario

__all__ = ["Job", "RunnerProblem", "Runners"]

_IDLE_S, _END_S = 1.0, 10.0
"""How long a runner may take to end when it has nothing to do, and in the middle of a job."""


class RunnerProblem(CutoverProblem):
    """A runner process failed at a job, which is a fault of the harness or of the machine, not of the engine."""


@dataclass(frozen=True, slots=True)
class Job:
    """One thing to play: a case, or with None the baseline of its scenario."""

    scenario: Scenario
    case: Case | None
    execution_id: uuid.UUID


_Done: TypeAlias = "queue.SimpleQueue[tuple[Job, bytes] | Exception | None]"
"""Answers, a failure, or None where a runner has nothing more to do."""


class Runners:
    """`count` runner processes for one engine; a context manager that leaves none behind.

    `restart` stops the server with immediate and starts it again; it is called by jobs played alone.
    """

    def __init__(
        self,
        engine: str,
        dsn: str,
        *,
        count: int,
        deadline_s: float,
        takeover_s: float,
        restart: Callable[[], None] | None = None,
    ) -> None:
        self._restart = restart
        settings: dict[str, str | float] = {
            "engine": engine,
            "dsn": dsn,
            "deadline_s": deadline_s,
            "takeover_s": takeover_s,
        }
        self._runners: list[_Runner] = []
        try:
            for _ in range(count):
                self._runners.append(_Runner(settings))
        except BaseException:
            self.close()
            raise

    @property
    def restarts(self) -> bool:
        """Whether cases may restart the server."""
        return self._restart is not None

    def play(
        self, jobs: Iterable[Job], *, alone: bool = False, until: float | None = None
    ) -> Iterator[tuple[Job, bytes]]:
        """Each job with its answer, as they finish; `alone` one after another. Raises RunnerProblem.

        None is begun after `until` (the monotonic clock, s), nor once the caller stops listening.
        """
        todo = deque(jobs)
        done: _Done = queue.SimpleQueue()
        workers = self._runners[:1] if alone else self._runners
        for runner in workers:
            threading.Thread(target=self._work, args=(runner, todo, done, until), daemon=True).start()
        try:
            working = len(workers)
            while working:
                answer = done.get()
                if answer is None:
                    working -= 1
                elif isinstance(answer, Exception):
                    raise answer
                else:
                    yield answer
        finally:
            todo.clear()

    def _work(self, runner: _Runner, todo: deque[Job], done: _Done, until: float | None) -> None:
        try:
            while until is None or time.monotonic() < until:
                try:
                    job = todo.popleft()
                except IndexError:
                    break
                done.put((job, runner.play(job, self._restart)))
            done.put(None)
        except Exception as error:  # noqa: BLE001 - raised again in the caller's thread
            done.put(error)

    def close(self) -> None:
        """Ends the processes; their hosts die with them."""
        for runner in self._runners:
            runner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Runner:
    """One process."""

    def __init__(self, settings: dict[str, str | float]) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-m", "harness.run.runner", str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(part for part in sys.path if part)},
                start_new_session=True,
            )
        self._link = ours
        self._lines = ours.makefile("rwb")
        self._known: set[str] = set()
        self._say(settings)

    def play(self, job: Job, restart: Callable[[], None] | None) -> bytes:
        message = {"id": job.scenario.id, "execution_id": str(job.execution_id)}
        if job.scenario.id not in self._known:
            message["scenario"] = dumps(job.scenario)
            self._known.add(job.scenario.id)
        if job.case is not None:
            message["case"] = str(job.case)
        self._say(message)
        name = str(job.case or job.scenario.id)
        while (line := self._lines.readline()).startswith(b'{"restart"'):
            if restart is not None:
                restart()
            self._say({})
        if not line.endswith(b"\n"):
            raise RunnerProblem(f"the runner process ended while it played {name}; run it again with: cutover replay")
        if line.startswith(b'{"error"'):
            failure = json.loads(line)
            raise RunnerProblem(f"{name}: the harness failed: {failure['error']}\n{failure['trace']}")
        return line

    def close(self) -> None:
        """Ends the process, which first ends all that it began; blocks until both are gone."""
        with contextlib.suppress(OSError):
            self._link.shutdown(socket.SHUT_RDWR)
        try:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=_IDLE_S)
                return
            self._process.terminate()  # it is in the middle of a job
            self._process.wait(timeout=_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        finally:
            with contextlib.suppress(OSError):
                self._lines.close()
            self._link.close()

    def _say(self, message: object) -> None:
        try:
            self._lines.write(json.dumps(message).encode("ascii") + b"\n")
            self._lines.flush()
        except OSError as error:
            raise RunnerProblem(f"a runner process is gone: {error}") from error
