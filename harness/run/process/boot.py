"""What a child process of ours runs first, and its end of the line to its parent. Does I/O.

A child is started by `cutover.harness.run.process.child.Child`. It reads jobs as lines of JSON and answers with lines
whose first byte says what they are. Whatever an engine prints goes to standard error, and an engine that reads standard
input finds it empty. Keep the imports few: processes that host engines are forked from one that has loaded them.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from typing import Any, Final, NoReturn

from cutover.harness.run.process.lifetime import die_with_parent, discard_sockets

__all__ = ["ANSWER", "BOOT", "FAILURE", "NOTE", "QUESTION", "READY", "ParentLink", "main"]

BOOT: Final = (
    "import sys; sys.path[:] = sys.argv[4:]; from cutover.harness.run.process.boot import main; main(*sys.argv[1:4])"
)
"""The code of every child. Its arguments are those of `main`, then the entries of its module path."""
READY, NOTE, QUESTION, ANSWER, FAILURE = b"Y", b"N", b"Q", b"A", b"F"
"""The first byte of a line to the parent: ready for the first job; news of the present job; a question that the parent
answers with a line; the job's answer; or why there is none, and in both cases ready for the next job."""


class Terminated(BaseException):
    """The process was told to end; what it began is unwound, past every `except Exception` of an engine."""


class ParentLink:
    """The line to the parent; made once, from the standard streams that the parent has handed over."""

    def __init__(self) -> None:
        self._orders = os.fdopen(os.dup(0), "rb")
        self._answers = os.fdopen(os.dup(1), "wb", buffering=1 << 20)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        os.dup2(2, 1)
        self.setup: Any = self._receive()
        """What the parent told it at the start, once for all jobs."""

    def serve(self, play: Callable[[Any], bytes], caught: tuple[type[Exception], ...] = ()) -> None:
        """Answers jobs until the parent closes the line; the answer is one line, without its end.

        Errors of the kinds `caught` are the answer to their job; any other ends the process.
        """
        self._say(READY)
        while (job := self._receive()) is not None:
            try:
                answer = play(job)
            except caught as error:
                self._say(FAILURE, _failure(error))
            else:
                self._say(ANSWER, answer)

    def note(self, news: bytes) -> None:
        """Tells the parent how the present job gets on."""
        self._say(NOTE, news)

    def ask(self, question: bytes) -> None:
        """Waits until the parent has done what is asked."""
        self._say(QUESTION, question)
        self._receive()

    def _receive(self) -> Any:
        """Returns the next message; None where the parent has closed the line."""
        line = self._orders.readline()
        return json.loads(line) if line.endswith(b"\n") else None

    def _say(self, kind: bytes, body: bytes = b"") -> None:
        self._answers.write(b"%b%b\n" % (kind, body))
        self._answers.flush()


def main(entry: str, end: str, parent: str) -> None:
    """Runs `entry`, "package.module:function" of one ParentLink, until it returns.

    `end` is the number of the signal that ends the process, also where its parent, of that process id, has gone:
    SIGTERM has it unwind what it began, SIGKILL is for one that leaves nothing behind.
    """
    if int(end) == signal.SIGTERM:
        signal.signal(signal.SIGTERM, _terminate)
    try:
        die_with_parent(signal.Signals(int(end)), int(parent))
        link = ParentLink()
        module, _, function = entry.partition(":")
        getattr(importlib.import_module(module), function)(link)
    except BrokenPipeError:
        sys.exit(1)
    except Terminated:
        discard_sockets(os.getpid())  # one that was being made at that moment has no owner yet to remove it
        sys.exit(1)


def _terminate(*_: object) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # what follows frees everything, and must not be cut short
    raise Terminated


def _failure(error: Exception) -> bytes:
    kinds = [f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__]
    trace = "".join(traceback.format_exception(error, limit=-6))
    return json.dumps({"kinds": kinds, "message": str(error), "trace": trace}).encode("ascii")
