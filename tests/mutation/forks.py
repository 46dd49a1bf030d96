"""Plays jobs in forked processes, a few at a time, each until it answers, dies or goes quiet. Starts processes.

A fork has at hand all that this process has imported, and whatever it changes is gone with it. So what a job needs is
imported here, and neither threads nor connections are left open.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import tempfile
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO, Any, Final, Generic, Literal, NoReturn, TypeAlias, TypeVar

from cutover.engines.byprocess.lifeline import die_with_parent
from cutover.harness.run.process.deadline import LOOK_S, ActiveTime
from cutover.harness.run.process.lifetime import discard_folders, killed_from_outside

__all__ = ["PATIENCE", "Ending", "Message", "Say", "play_all"]

Message: TypeAlias = Mapping[str, Any]
Say: TypeAlias = Callable[[Message], None]
_Job = TypeVar("_Job")
_ANSWER: Final = "answer"
PATIENCE: Final = "patience_s"
"""What a fork may tell with its progress: for how many seconds more than others it will say nothing."""
_LAST_WORDS: Final = 500


@dataclass(frozen=True, slots=True)
class Ending:
    """How a job ended: `said` is the last that it told of its progress, `answer` what it came to where it is `done`.

    `slot` is the number of the place that it had among those that run side by side; `words` are the last it printed.
    """

    kind: Literal["done", "died", "timeout"]
    said: Message
    answer: Message
    slot: int
    seconds: float
    words: str = ""


@dataclass(slots=True)
class _Fork(Generic[_Job]):
    job: _Job
    slot: int
    pid: int
    pipe: int
    errors: IO[bytes]
    deadline: float
    began: float
    said: Message = field(default_factory=dict)
    answer: Message | None = None
    rest: bytes = b""


def play_all(
    jobs: Iterable[_Job], play: Callable[[_Job, int, Say], Message], *, workers: int, quiet_s: float
) -> Iterator[tuple[_Job, Ending]]:
    """What becomes of each job, as they end. `play` is called in a fork with the job, its slot and how to tell.

    A fork that says nothing for `quiet_s` seconds is killed, and every process that it left in its group with it.
    """
    clock, waiting, free = ActiveTime(), deque(jobs), list(range(workers))
    with selectors.DefaultSelector() as selector:
        under_way: dict[int, _Fork[_Job]] = {}
        try:
            while True:
                while free and waiting:
                    fork = _begin(waiting.popleft(), free.pop(0), play, clock.now() + quiet_s)
                    under_way[fork.pipe] = fork
                    selector.register(fork.pipe, selectors.EVENT_READ)
                if not under_way:
                    return
                heard = {key.fd for key, _ in selector.select(LOOK_S / 4)}
                now = clock.now()
                for fork in list(under_way.values()):
                    open_still = _hear(fork, now + quiet_s) if fork.pipe in heard else True
                    if open_still and fork.deadline > now:
                        continue
                    selector.unregister(fork.pipe)
                    del under_way[fork.pipe]
                    free.append(fork.slot)
                    yield fork.job, _end(fork, late=open_still)
        finally:
            for fork in under_way.values():
                _end(fork, late=True)


def _begin(job: _Job, slot: int, play: Callable[[_Job, int, Say], Message], deadline: float) -> _Fork[_Job]:
    ours, theirs = os.pipe()
    errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed in `_end`
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        os.close(ours)
        _serve(lambda say: play(job, slot, say), theirs, errors, parent)
    os.close(theirs)
    with contextlib.suppress(OSError):
        os.setpgid(pid, pid)  # the child does it too; whoever comes first
    return _Fork(job, slot, pid, ours, errors, deadline, time.perf_counter())


def _serve(play: Callable[[Say], Message], pipe: int, errors: IO[bytes], parent: int) -> NoReturn:
    """The child's whole life."""
    status = 1
    try:
        os.setpgid(0, 0)
        die_with_parent(signal.SIGKILL, parent)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for descriptor in (1, 2):
            os.dup2(errors.fileno(), descriptor)

        def say(message: Message) -> None:
            os.write(pipe, json.dumps(message).encode("ascii") + b"\n")

        say({_ANSWER: dict(play(say))})
        status = 0
    except BaseException:  # noqa: BLE001 - nothing of the parent's may be unwound here
        os.write(2, traceback.format_exc().encode("utf-8", "replace"))  # where sys.stderr leads is not known here
    finally:
        os._exit(status)


def _hear(fork: _Fork[_Job], deadline: float) -> bool:
    """Takes in what it says; whether it may say more."""
    data = os.read(fork.pipe, 1 << 16)
    *lines, fork.rest = (fork.rest + data).split(b"\n")
    for line in lines:
        message = json.loads(line)
        if _ANSWER in message:
            fork.answer = message[_ANSWER]
        else:
            fork.said = message
        fork.deadline = deadline + message.get(PATIENCE, 0.0)
    return bool(data) and fork.answer is None


def _end(fork: _Fork[_Job], *, late: bool) -> Ending:
    """Kills what is left of it, reaps it, and says how it ended.

    Raises EnvironmentProblem where somebody else has killed it.
    """
    killed = not late and fork.answer is None and _exit_status(fork.pid) == -signal.SIGKILL
    with contextlib.suppress(ProcessLookupError):
        os.killpg(fork.pid, signal.SIGKILL)
    os.waitpid(fork.pid, 0)
    os.close(fork.pipe)
    discard_folders(fork.pid)
    with fork.errors as errors:
        size = errors.seek(0, os.SEEK_END)
        errors.seek(max(0, size - _LAST_WORDS))
        words = " ".join(errors.read().decode("utf-8", "replace").split())
    if killed:
        raise killed_from_outside("a process that plays a mutant")
    kind: Literal["done", "died", "timeout"] = "done" if fork.answer is not None else "timeout" if late else "died"
    return Ending(kind, fork.said, fork.answer or {}, fork.slot, time.perf_counter() - fork.began, words)


def _exit_status(pid: int) -> int:
    """The status of a child that ends by itself, negative for a signal; it stays to be reaped."""
    ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert ended is not None
    return ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status
