"""Runner processes and the jobs that they share out among themselves. Does I/O."""

from __future__ import annotations

import queue
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from cutover.harness.record.cases import CrashCase
from cutover.harness.run.crash.remote import Remote
from cutover.harness.run.process.closing import Closing
from cutover.scenarios.files import dumps
from cutover.scenarios.model import Scenario

__all__ = ["CaseJob", "Runners"]


@dataclass(frozen=True, slots=True)
class CaseJob:
    """One thing to play: a case, or with None the baseline of its scenario."""

    scenario: Scenario
    case: CrashCase | None
    execution_id: uuid.UUID


_Done: TypeAlias = "queue.SimpleQueue[tuple[CaseJob, bytes] | Exception | None]"
"""Answers, a failure, or None where a runner has nothing more to do."""


class Runners(Closing):
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
        self._runners: list[_Runner] = []
        try:
            for _ in range(count):
                remote = Remote(
                    "cutover.harness.run.crash.handler", engine, dsn, deadline_s=deadline_s, takeover_s=takeover_s
                )
                self._runners.append(_Runner(remote))
        except BaseException:
            self.close()
            raise

    @property
    def restarts(self) -> bool:
        """Whether cases may restart the server."""
        return self._restart is not None

    def play(
        self, jobs: Iterable[CaseJob], *, alone: bool = False, until: float | None = None
    ) -> Iterator[tuple[CaseJob, bytes]]:
        """Each job with its answer, as they finish; `alone` one after another. Raises RunnerProblem.

        None is begun after `until` (the monotonic clock, s), nor once the caller stops listening.
        """
        todo = _Todo(jobs)
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
            todo.stop()

    def _work(self, runner: _Runner, todo: _Todo, done: _Done, until: float | None) -> None:
        try:
            while (until is None or time.monotonic() < until) and (job := todo.next()) is not None:
                done.put((job, runner.play(job, self._restart)))
            done.put(None)
        except Exception as error:  # noqa: BLE001 - raised again in the caller's thread
            done.put(error)

    def close(self) -> None:
        """Ends the processes; their hosts die with them."""
        for runner in self._runners:
            runner.close()


class _Todo:
    """Jobs that several threads take from, drawn when one is wanted, so that a long list costs nothing."""

    def __init__(self, jobs: Iterable[CaseJob]) -> None:
        self._jobs: Iterator[CaseJob] = iter(jobs)
        self._lock = threading.Lock()

    def next(self) -> CaseJob | None:
        with self._lock:
            return next(self._jobs, None)

    def stop(self) -> None:
        with self._lock:
            self._jobs = iter(())


class _Runner:
    """One process, and which scenarios it knows."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote
        self._known: set[str] = set()

    def play(self, job: CaseJob, restart: Callable[[], None] | None) -> bytes:
        message = {"id": job.scenario.id, "execution_id": str(job.execution_id)}
        if job.scenario.id not in self._known:
            message["scenario"] = dumps(job.scenario)
            self._known.add(job.scenario.id)
        if job.case is not None:
            message["case"] = str(job.case)
        return self._remote.ask(message, str(job.case or job.scenario.id), restart)

    def close(self) -> None:
        self._remote.close()
