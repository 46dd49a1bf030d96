"""Workers that share a list of jobs: starts them, hands out arms, kills those that hang. Starts processes."""

from __future__ import annotations

import selectors
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from cutover.harness.errors import EnvironmentProblem
from cutover.harness.run.process.deadline import LOOK_S, ActiveTime
from cutover.harness.run.process.killed import killed_from_outside
from cutover.harness.run.trials.process import WorkerProcess
from cutover.harness.run.trials.worker import BEGIN, READY, RECORD, Setup, TrialJob

__all__ = ["LostArm", "Pool", "RecordedArm"]

_FAILED_STARTS = 3


@dataclass(frozen=True, slots=True)
class RecordedArm:
    """An arm has its record, as a line of `cutover.harness.store.lines`."""

    number: int
    arm: str
    line: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class LostArm:
    """An arm has none: its worker ran past the deadline or died, and `message` says how."""

    number: int
    arm: str
    kind: Literal["timeout", "died"]
    message: str


class Pool:
    """At most `workers` processes; an arm may take `deadline_s` of real time."""

    def __init__(self, setup: Setup, *, workers: int, deadline_s: float) -> None:
        self._setup, self._size, self._deadline_s = setup, workers, deadline_s
        self._selector = selectors.DefaultSelector()
        self._active_time = ActiveTime()
        self._workers: set[WorkerProcess] = set()
        self._waiting: deque[TrialJob] = deque()
        self._failed_starts = 0

    def run(self, jobs: Iterable[TrialJob]) -> Iterator[RecordedArm | LostArm]:
        """What becomes of every arm of every job.

        Raises EnvironmentProblem where workers do not start, or somebody kills one in the middle of an arm.
        """
        source = iter(jobs)
        while self._hand_out(source):
            heard = {key.fileobj for key, _ in self._selector.select(self._wait_s())}
            now = self._active_time.now()
            for worker in tuple(self._workers):
                if worker in heard:
                    yield from self._hear(worker)
                elif not worker.ready and worker.deadline < now:
                    yield from self._lose(worker, "timeout")

    def close(self) -> None:
        """Ends every worker at once."""
        for worker in tuple(self._workers):
            self._drop(worker)
        self._selector.close()

    def _hand_out(self, source: Iterator[TrialJob]) -> bool:
        """Gives every ready worker a job, starts workers while jobs wait; whether anything is under way."""
        for worker in self._workers:
            if worker.ready and (job := self._next(source)) is not None:
                worker.give(job)
        while len(self._workers) < self._size and (job := self._next(source)) is not None:
            self._waiting.appendleft(job)
            worker = WorkerProcess(self._setup, self._active_time)
            self._workers.add(worker)
            self._selector.register(worker, selectors.EVENT_READ)
        return bool(self._waiting) or any(worker.job is not None for worker in self._workers)

    def _next(self, source: Iterator[TrialJob]) -> TrialJob | None:
        return self._waiting.popleft() if self._waiting else next(source, None)

    def _wait_s(self) -> float:
        """Until the next deadline, or the next look."""
        now = self._active_time.now()
        left = min((worker.deadline - now for worker in self._workers if not worker.ready), default=0.0)
        return min(max(0.0, left) + 0.001, LOOK_S)

    def _hear(self, worker: WorkerProcess) -> Iterator[RecordedArm | LostArm]:
        lines = worker.lines()
        if lines is None:
            yield from self._lose(worker, "died")
            return
        for line in lines:
            kind, body = line[:1], line[1:]
            if kind == READY:
                worker.job, worker.ready, self._failed_starts = None, True, 0
            elif kind == BEGIN:
                worker.begins(body.decode("ascii"), self._deadline_s)
            elif kind == RECORD and worker.job is not None and worker.arm is not None:
                number, arm = worker.job.number, worker.arm
                worker.done()
                yield RecordedArm(number, arm, body)

    def _lose(self, worker: WorkerProcess, kind: Literal["timeout", "died"]) -> Iterator[LostArm]:
        """Ends a worker that hangs or is gone; the arms that it had not begun wait for another."""
        ending = self._drop(worker)
        number, arm = None if worker.job is None else worker.job.number, worker.arm
        if worker.killed_from_outside and arm is not None:
            raise killed_from_outside(f"a worker process, at trial {number}, {arm},")
        if number is None or arm is None:
            self._failed_starts += 1
            if self._failed_starts >= _FAILED_STARTS:
                raise EnvironmentProblem(f"worker processes end before they begin ({ending}); mend that and run again")
        worker.done()
        if worker.job is not None and worker.job.arms:
            self._waiting.appendleft(worker.job)
        if number is not None and arm is not None:
            yield LostArm(
                number, arm, kind, f"no return within {self._deadline_s:g} s" if kind == "timeout" else ending
            )

    def _drop(self, worker: WorkerProcess) -> str:
        self._workers.discard(worker)
        self._selector.unregister(worker)
        return worker.end()
