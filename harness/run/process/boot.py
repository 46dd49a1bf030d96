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
from collections.abc import Callable, Mapping
from typing import Any, Final, NoReturn

from cutover.engines.byprocess.lifeline import die_with_parent
from cutover.engines.errors import CutoverError
from cutover.harness.errors import OtherSources
from cutover.harness.run.process.lifetime import discard_folders

__all__ = ["ANSWER", "BOOT", "FAILURE", "NOTE", "QUESTION", "READY", "ParentLink", "main"]

BOOT: Final = """
import _signal, sys
_signal.signal(_signal.SIGINT, _signal.SIG_IGN)
_signal.signal(_signal.SIGHUP, _signal.SIG_IGN)
sys.path[:] = sys.argv[5:]
import importlib.util, os.path
spec = importlib.util.spec_from_file_location(
    "cutover", sys.argv[4], submodule_search_locations=[os.path.dirname(sys.argv[4])]
)
sys.modules["cutover"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(sys.modules["cutover"])
from cutover.harness.run.process.boot import main
main(*sys.argv[1:4])
"""
"""The code of every child. Its arguments are those of `main`, the file of its parent's package `cutover`, which is
loaded wherever else there may be one, then the entries of its module path. SIGINT and SIGHUP are for the
parent, which ends this process where it ends itself; `_signal` is built in, so no file can stand in for it."""
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
        start = self._receive()
        self.setup: Any = start["setup"]
        """What the parent told it at the start, once for all jobs."""
        self.sources: Mapping[str, str] = start["sources"]
        """The digests of the engines that it is to load, by their specs."""

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

    def refuse(self, error: Exception) -> None:
        """Answers the first job, which has not come yet, with the error; the process then ends."""
        self._say(FAILURE, _failure(error))

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
        if not _loads_the_same(link):
            sys.exit(1)
        module, _, function = entry.partition(":")
        getattr(importlib.import_module(module), function)(link)
    except BrokenPipeError:
        sys.exit(1)
    except Terminated:
        discard_folders(os.getpid())  # one that was being made at that moment has no owner yet to remove it
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)  # so that the parent sees that it did not fail


def _loads_the_same(link: ParentLink) -> bool:
    """Whether the engines here have the sources that the parent has on record; tells it where they have not."""
    if not link.sources:
        return True
    from cutover.engines.registry import sources_of  # noqa: PLC0415 - only where there are engines

    try:
        for spec, digest in link.sources.items():
            if (here := sources_of(spec)[spec]) != digest:
                raise OtherSources(
                    f"engine {spec!r}: a child process loads sources with the digest {here[:12]}, and {digest[:12]} is "
                    "on record; change no source during a run, and let the module be found by its name in one place "
                    "only"
                )
    except CutoverError as error:  # also that it cannot be loaded at all
        link.refuse(OtherSources(str(error)))
        return False
    return True


def _terminate(*_: object) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # what follows frees everything, and must not be cut short
    raise Terminated


def _failure(error: Exception) -> bytes:
    kinds = [f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__]
    trace = "".join(traceback.format_exception(error, limit=-6))
    return json.dumps({"kinds": kinds, "message": str(error), "trace": trace}).encode("ascii")
