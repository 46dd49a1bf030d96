"""Child processes that share out jobs among themselves: starts them, hears them, ends those that hang. Does I/O.

One thread serves all of them, and a child gets its next job before its last answer is passed on. Whoever takes the
answers decides what a lost child means.
"""

from __future__ import annotations

import json
import selectors
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, Literal, TypeVar

from cutover.harness.run.process.boot import ANSWER, FAILURE, NOTE, QUESTION, READY
from cutover.harness.run.process.child import Child, ChildExit, ChildProgram
from cutover.harness.run.process.deadline import LOOK_S, ActiveTime
from cutover.harness.run.process.lifetime import Closing
from cutover.harness.run.process.outcomes import JobAnswer, JobFailure, JobLost, JobNote, JobOutcome

__all__ = ["Executor"]

_START_S: Final = 60.0
"""How long a child may take to be ready, and to say the first of a job."""
_J = TypeVar("_J")


@dataclass(slots=True, eq=False)
class _Slot(Generic[_J]):
    """The place of one child after another; the `job` is given out to it, and `told` is what it need not be sent again.

    Only one that is `working` gets jobs. The answer to an `abandoned` job is awaited and then discarded.
    """

    program: ChildProgram
    child: Child | None = None
    ready: bool = False
    job: _J | None = None
    abandoned: bool = False
    working: bool = False
    told: set[str] = field(default_factory=set)
    deadline: float = 0.0


class Executor(Closing, Generic[_J]):
    """One child for each of the `programs`, started when there is a job for it; a context manager that leaves none.

    `message` makes of a job what its child is sent; it may note in the set what that child need not be sent again.
    `silence_s` is the real time for which a child may say nothing in the middle of a job, and `start_s` for which until
    it says the first of it; without a `silence_s` there is no limit. `on_question` does what a child asks for. Once
    another thread sets `stop` no more outcomes are yielded, from the next look on, where there is a `silence_s`.
    """

    def __init__(
        self,
        programs: Sequence[ChildProgram],
        message: Callable[[_J, set[str]], object],
        *,
        silence_s: float | None = None,
        start_s: float = _START_S,
        on_question: Callable[[bytes], None] = lambda _question: None,
        stop: threading.Event | None = None,
    ) -> None:
        self._slots: list[_Slot[_J]] = [_Slot(program) for program in programs]
        self._message, self._on_question = message, on_question
        self._silence_s, self._start_s = silence_s, start_s
        self._stop = stop or threading.Event()
        self._active_time = ActiveTime()
        self._selector = selectors.DefaultSelector()
        self._source: Iterator[_J] | None = None
        self._waiting: deque[_J] = deque()

    def run(self, jobs: Iterable[_J], *, most: int | None = None) -> Iterator[JobOutcome[_J]]:
        """Yields what becomes of the jobs as it is heard; at most `most` children work.

        A job is drawn when a child is free for it. Where the caller stops listening no other is begun.
        """
        self._waiting.clear()
        self._source = iter(jobs)
        for number, slot in enumerate(self._slots):
            slot.job = slot.job if slot.ready else None  # one that has not been sent yet
            slot.abandoned = slot.job is not None
            slot.working = most is None or number < most
        while not self._stop.is_set() and self._hand_out():
            heard = {key.data for key, _ in self._selector.select(self._wait_s())}
            now = self._active_time.now()
            for slot in [slot for slot in self._slots if slot.child is not None]:
                if slot in heard:
                    yield from self._hear(slot)
                elif self._silence_s is not None and slot.job is not None and slot.deadline < now:
                    yield from self._lose(slot, "timeout")

    def put_back(self, job: _J) -> None:
        """Takes a job, or what is left of it, before all others; while the caller listens to `run`."""
        self._waiting.appendleft(job)

    def close(self) -> None:
        """Ends every child."""
        for slot in self._slots:
            if slot.child is not None:
                slot.child.hang_up()
        for slot in self._slots:
            if slot.child is not None:
                self._end(slot)
        self._selector.close()

    def _hand_out(self) -> bool:
        """Gives every free child a job, starts children while there are jobs; whether anything is under way."""
        for slot in self._slots:
            self._next(slot)
        if any(slot.job is not None and not slot.abandoned for slot in self._slots):
            return True
        return any(slot.abandoned and slot.working for slot in self._slots) and self._source is not None

    def _next(self, slot: _Slot[_J]) -> None:
        """Gives a slot the next job, if it is free and there is one."""
        if slot.job is not None or not slot.working:
            return
        slot.job = job = self._draw()
        if job is None:
            return
        if slot.child is None:
            slot.child, slot.ready, slot.told = Child(slot.program), False, set()
            self._selector.register(slot.child, selectors.EVENT_READ, slot)
        elif slot.ready:
            self._send(slot)
        slot.deadline = self._active_time.now() + self._start_s

    def _draw(self) -> _J | None:
        if self._waiting:
            return self._waiting.popleft()
        job = None if self._source is None else next(self._source, None)
        if job is None:
            self._source = None
        return job

    def _send(self, slot: _Slot[_J]) -> None:
        if slot.child is not None and slot.job is not None:
            slot.child.send(self._message(slot.job, slot.told))

    def _hear(self, slot: _Slot[_J]) -> Iterator[JobOutcome[_J]]:
        lines = None if slot.child is None else slot.child.lines()
        if lines is None:
            yield from self._lose(slot, "died")
            return
        outcomes = [self._outcome(slot, line[:1], line[1:]) for line in lines]
        self._next(slot)
        yield from (outcome for outcome in outcomes if outcome is not None)

    def _outcome(self, slot: _Slot[_J], kind: bytes, body: bytes) -> JobOutcome[_J] | None:
        """Takes in a line from a child; what is to be passed on of it."""
        job, now = slot.job, self._active_time.now()
        if kind == READY:
            slot.ready, slot.deadline = True, now + self._start_s
            self._send(slot)
        if kind == NOTE:
            slot.deadline = now + (self._silence_s or 0)
        if kind == QUESTION and slot.child is not None:
            self._on_question(body)
            slot.child.send({})
        if kind in {ANSWER, FAILURE}:
            slot.job = None
            slot.abandoned, abandoned = False, slot.abandoned
            if abandoned:
                return None
        if job is None or slot.abandoned:
            return None
        if kind == FAILURE:
            failure = json.loads(body)
            return JobFailure(job, tuple(failure["kinds"]), failure["message"], failure["trace"])
        return JobAnswer(job, body) if kind == ANSWER else JobNote(job, body) if kind == NOTE else None

    def _lose(self, slot: _Slot[_J], reason: Literal["timeout", "died"]) -> Iterator[JobLost[_J]]:
        job, abandoned = slot.job, slot.abandoned
        ended = self._end(slot)
        if not abandoned:
            yield JobLost(job, reason, ended)

    def _end(self, slot: _Slot[_J]) -> ChildExit:
        child, slot.child, slot.job, slot.abandoned = slot.child, None, None, False
        if child is None:
            raise AssertionError
        self._selector.unregister(child)
        return child.end()

    def _wait_s(self) -> float | None:
        """Until the next deadline, or the next look; None where there is none."""
        if self._silence_s is None:
            return None
        now = self._active_time.now()
        left = min((slot.deadline - now for slot in self._slots if slot.job is not None), default=0.0)
        return min(max(0.0, left) + 0.001, LOOK_S)
