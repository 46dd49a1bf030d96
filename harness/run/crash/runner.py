"""A process that plays for its parent: one engine, one testbed, one request after another. Does I/O.

Started as `python -m cutover.harness.run.crash.runner FD` with one end of a socket. The first line is configuration; it
names the module whose `handler` answers each further line with a line. Its standard output goes to standard error, so
that an engine's prints harm nothing. Hosts are forked from here, not from the parent: a fork of a large process is
slow, and whatever else the parent has started stays out of reach. The fork server starts first, when nothing but the
engine is loaded; only then comes the module with the handler.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from typing import Any, TypeAlias

from cutover.engines.registry import resolve
from cutover.harness.errors import EnvironmentProblem
from cutover.harness.run.process.forkserver import ForkServer
from cutover.harness.run.world.committed import EngineProblem

__all__ = ["Handler", "main", "serve"]

_PR_SET_PDEATHSIG = 1

Handler: TypeAlias = "contextlib.AbstractContextManager[Callable[[dict[str, Any]], bytes]]"
"""Opens a testbed, answers requests, and leaves nothing behind."""


def serve(link: socket.socket) -> None:
    """Answers requests until the other end closes."""
    lines = link.makefile("rwb")
    settings = json.loads(lines.readline())
    factory = resolve(settings["engine"])
    fork_server = ForkServer(factory, settings["dsn"])

    def restart() -> None:
        lines.write(b'{"restart": true}\n')
        lines.flush()
        lines.readline()

    open_handler: Callable[..., Handler] = importlib.import_module(settings["handler"]).handler
    with open_handler(factory, fork_server, settings, restart) as answer:
        gc.collect()
        gc.freeze()  # what is here now stays; there is no need to look at it again
        for line in lines:
            lines.write(_answer(answer, json.loads(line)) + b"\n")
            lines.flush()


def _answer(answer: Callable[[dict[str, Any]], bytes], request: dict[str, Any]) -> bytes:
    try:
        return answer(request)
    except EngineProblem as error:
        return _failure("engine", str(error))
    except EnvironmentProblem as error:
        return _failure("environment", str(error))
    except Exception as error:  # noqa: BLE001 - the parent says at which request it was
        trace = traceback.format_exc(limit=-6)
        return _failure("harness", f"{type(error).__name__}: {error}", trace)


def _failure(kind: str, error: str, trace: str = "") -> bytes:
    return json.dumps({"error": error, "kind": kind, "trace": trace}).encode("ascii")


def _end(*_: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # what follows gives everything back, and must not be cut short
    sys.exit(0)


def main() -> None:
    """The process's entry point; SIGTERM, which also says that the parent has died, ends it with all that it began."""
    link = socket.socket(fileno=int(sys.argv[1]))
    signal.signal(signal.SIGTERM, _end)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    sys.path.insert(0, "")
    os.dup2(2, 1)
    with contextlib.suppress(BrokenPipeError):
        serve(link)


if __name__ == "__main__":
    main()
