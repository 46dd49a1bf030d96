"""Measures one subject for a moment: client processes that start together. Starts processes, reads the clock.

Each measurement has fresh processes, so that no other subject's threads are alive meanwhile. A client imports,
connects and warms up, then all begin at once; what counts is the steps whose work was done within the time.
"""

from __future__ import annotations

import multiprocessing
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection

from subjects import STEPS, Payload, load

from cutover.engines.errors import CutoverError

__all__ = ["BenchmarkFailed", "Measured", "measure", "prepare"]

_WARM_UP_S, _WARM_UP_EXECUTIONS = 0.5, 10
_PATIENCE_S = 120.0
_spawn = multiprocessing.get_context("spawn")


class BenchmarkFailed(CutoverError):
    """A subject did not do what was asked of it, so there is nothing to compare."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What the clients did together: steps a second within the time, and all steps, warm-up included."""

    rate: float
    steps: int


class _Counter:
    """The work of every step, and how often it was done before the deadline."""

    def __init__(self) -> None:
        self.total = self.counted = 0
        self.deadline = 0.0

    def __call__(self, payload: Payload) -> Payload:
        self.total += 1
        if time.perf_counter() < self.deadline:
            self.counted += 1
        return payload | {"step": payload["step"] + 1}


def prepare(subject: str, dsn: str) -> None:
    """Creates the subject's tables, in a process of its own."""
    process = _spawn.Process(target=_prepare, args=(subject, dsn))
    process.start()
    process.join(_PATIENCE_S)
    if process.exitcode != 0:
        process.kill()
        raise BenchmarkFailed(f"subject {subject} could not prepare its database; what it said is above")


def measure(subject: str, dsn: str, *, clients: int, seconds: float) -> Measured:
    """Runs that many clients side by side; raises BenchmarkFailed where one of them fails."""
    pairs = [_spawn.Pipe() for _ in range(clients)]
    processes = [
        _spawn.Process(target=_serve, args=(subject, dsn, number, child, seconds), daemon=True)
        for number, (_, child) in enumerate(pairs)
    ]
    try:
        for process, (_, child) in zip(processes, pairs, strict=True):
            process.start()
            child.close()
        for parent, _ in pairs:
            _receive(parent, subject)
        for parent, _ in pairs:
            parent.send("go")
        answers = [_receive(parent, subject) for parent, _ in pairs]
        for process in processes:
            process.join(_PATIENCE_S)
    finally:
        for process in processes:
            process.kill()
    return Measured(
        rate=sum(counted for counted, _ in answers) / seconds,
        steps=sum(total for _, total in answers),
    )


def _receive(parent: Connection, subject: str) -> tuple[int, int]:
    try:
        if parent.poll(_PATIENCE_S):
            answer: tuple[int, int] = parent.recv()
            return answer
    except EOFError:
        pass
    raise BenchmarkFailed(f"a client of subject {subject} ended early or hung; what it said is above")


def _prepare(subject: str, dsn: str) -> None:
    load(subject).prepare(dsn)


def _serve(subject: str, dsn: str, number: int, parent: Connection, seconds: float) -> None:
    work = _Counter()
    client = load(subject).connect(dsn, number, work)
    warm_until = time.perf_counter() + _WARM_UP_S
    while work.total < _WARM_UP_EXECUTIONS * STEPS or time.perf_counter() < warm_until:
        client.run()
    parent.send((0, 0))
    parent.recv()
    work.deadline = time.perf_counter() + seconds
    while time.perf_counter() < work.deadline:
        client.run()
    client.close()
    parent.send((work.counted, work.total))
