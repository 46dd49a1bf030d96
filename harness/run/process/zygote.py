"""The process from which hosts are forked, and how to fork a process that dies with its parent. Does I/O.

What is in its memory is in every host's, and each page that a host or it changes after a fork is copied. So it holds
the engine and the workflows that it was told of, and nothing of what plays and records cases.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import signal
import socket
import traceback
from collections.abc import Callable
from typing import Any, Final, NoReturn, TypeAlias
from uuid import UUID

from cutover.engines.api import EngineFactory, ExecutionRequest
from cutover.harness.run.process.hosted import HostLink, serve
from cutover.harness.run.world.clock import SharedClock
from cutover.harness.run.world.inert import idle
from cutover.scenarios.files import loads

__all__ = ["PACKET", "Packet", "fork", "packed", "serve_forks"]

PACKET: Final = 1 << 16
"""The most bytes that one packet has."""
Packet: TypeAlias = dict[str, Any]

_PR_SET_PDEATHSIG: Final = 1
_LIBC: Final = ctypes.CDLL(None)
_DESCRIPTORS: Final = 4096
_ROUNDS: Final = 10
"""How often it warms up: Python adapts code that has run eight times."""
_NOBODY: Final = UUID(int=0)


def serve_forks(sock: socket.socket, factory: EngineFactory, clock: SharedClock, dsn: str) -> NoReturn:
    """Answers a `cutover.harness.run.process.forkserver.ForkServer` until it closes its end."""
    _warm_up(factory, dsn)
    requests: dict[int, ExecutionRequest] = {}
    while True:
        try:
            packet, descriptors, _, _ = socket.recv_fds(sock, PACKET, 1)
        except ConnectionResetError:  # closed over there with a spare that nobody had taken
            packet, descriptors = b"", []
        if not packet:
            os._exit(0)
        message = json.loads(packet)
        match message["op"]:
            case "learn":
                requests.pop(message["forget"], None)
                requests[message["number"]] = _learnt(descriptors[0])
                _settle()
            case "host":
                for pid in message["dead"]:
                    os.waitpid(pid, 0)
                _bear(sock, lambda link: serve(HostLink(link), factory, clock, requests))
            case "status":
                _, status = os.waitpid(message["pid"], 0)
                sock.send(packed({"status": os.waitstatus_to_exitcode(status)}))


def _warm_up(factory: EngineFactory, dsn: str) -> None:
    """Asks for the journal of an execution that is not there: what that loads and sets up no host need do again."""
    for _ in range(_ROUNDS):
        with contextlib.suppress(Exception):  # a host meets it too, and there it is seen
            engine = factory(idle(dsn, "a fork_server"))
            with contextlib.closing(engine):
                engine.journal(_NOBODY)
    _settle()


def _settle() -> None:
    """What is here now stays: to look at it again would copy it in every host."""
    gc.collect()
    gc.freeze()


def _learnt(text: int) -> ExecutionRequest:
    with open(text, encoding="ascii") as file:
        file.seek(0)
        scenario = loads(file.read())
    return ExecutionRequest(execution_id=_NOBODY, workflow=scenario.workflow, input=scenario.input)


def _bear(sock: socket.socket, host: Callable[[socket.socket], NoReturn]) -> None:
    """Forks a host, in a process group of its own, and hands over its link."""
    ours, theirs = socket.socketpair()
    with ours:
        try:
            pid = fork(theirs, host, group=True)
        except OSError as error:
            sock.send(packed({"error": str(error)}))
            return
        with contextlib.suppress(OSError):
            os.setpgid(pid, pid)  # the child does it too; whoever comes first
        socket.send_fds(sock, [packed({"pid": pid})], [ours.fileno()])


def fork(sock: socket.socket, run: Callable[[socket.socket], NoReturn], *, group: bool = False) -> int:
    """The id of a new process that has no descriptor but `sock` and the standard ones, and dies with this one."""
    parent = os.getpid()
    with sock:
        pid = os.fork()
        if pid:
            return pid
        try:
            _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:
                os._exit(0)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            keep = sock.fileno()
            os.closerange(3, keep)
            os.closerange(keep + 1, _DESCRIPTORS)
            if group:
                os.setpgid(0, 0)
            run(sock)
        except BrokenPipeError:
            pass  # the other end is gone
        except BaseException:  # noqa: BLE001 - nothing of the parent's may be unwound here
            traceback.print_exc()
        finally:
            os._exit(1)


def packed(message: Packet) -> bytes:
    """A message as it goes over the socket."""
    return json.dumps(message).encode("ascii")
