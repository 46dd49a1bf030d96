"""The process from which hosts are forked, and how to fork a process that dies with its parent. Does I/O.

What is in its memory is in every host's, and each page that a host or it changes after a fork is copied. So it holds
the engine and the workflows that it was told of, and nothing of what plays and records cases.
"""

from __future__ import annotations

import contextlib
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
from cutover.engines.byprocess.hosting import is_by_process
from cutover.engines.byprocess.lifeline import die_with_parent
from cutover.harness.run.process.hosted import HostLink, serve
from cutover.harness.run.world.clock import SharedClock
from cutover.harness.run.world.engine import idle
from cutover.scenarios.files import loads

__all__ = ["PACKET", "Packet", "fork", "packed", "serve_forks"]

PACKET: Final = 1 << 16
"""The most bytes that one packet has."""
Packet: TypeAlias = dict[str, Any]

_DESCRIPTORS: Final = 4096
_ROUNDS: Final = 10
"""How often it warms up: Python adapts code that has run eight times."""
_NO_EXECUTION: Final = UUID(int=0)


def serve_forks(sock: socket.socket, factory: EngineFactory, clock: SharedClock, dsn: str) -> NoReturn:
    """Answers a `cutover.harness.run.process.forkserver.ForkServer` until it closes its end."""
    _warm_up(factory, dsn)
    requests: dict[int, ExecutionRequest] = {}
    while True:
        try:
            packet, descriptors, _, _ = socket.recv_fds(sock, PACKET, 1)
        except ConnectionResetError:  # closed over there with a host that was not taken
            packet, descriptors = b"", []
        if not packet:
            os._exit(0)
        message = json.loads(packet)
        match message["op"]:
            case "learn":
                requests.pop(message["forget"], None)
                requests[message["number"]] = _request(descriptors[0])
                _freeze()
            case "host":
                for pid in message["exited"]:
                    os.waitpid(pid, 0)
                _fork_host(sock, lambda link: serve(HostLink(link), factory, clock, requests))
            case "status":
                _, status = os.waitpid(message["pid"], 0)
                sock.send(packed({"status": os.waitstatus_to_exitcode(status)}))


def _warm_up(factory: EngineFactory, dsn: str) -> None:
    """Asks for the journal of an execution that does not exist: no host need load and set up again what that takes.

    An engine in a process of its own is started by each host, in advance.
    """
    for _ in range(0 if is_by_process(factory) else _ROUNDS):
        with contextlib.suppress(Exception):  # a host meets it too, and there it is seen
            engine = factory(idle(dsn, "a fork server"))
            with contextlib.closing(engine):
                engine.journal(_NO_EXECUTION)
    _freeze()


def _freeze() -> None:
    """Takes what is here now from garbage collection, which would write to it and so copy it in every host."""
    gc.collect()
    gc.freeze()


def _request(text: int) -> ExecutionRequest:
    with open(text, encoding="ascii") as file:
        file.seek(0)
        scenario = loads(file.read())
    return ExecutionRequest(execution_id=_NO_EXECUTION, workflow=scenario.workflow, input=scenario.input)


def _fork_host(sock: socket.socket, host: Callable[[socket.socket], NoReturn]) -> None:
    """Forks a host, in a process group of its own, and hands over its link."""
    ours, theirs = socket.socketpair()
    with ours:
        try:
            pid = fork(theirs, host, group=True)
        except OSError as error:
            sock.send(packed({"error": str(error)}))
            return
        with contextlib.suppress(OSError):
            os.setpgid(pid, pid)  # the child does it too; either may come first
        socket.send_fds(sock, [packed({"pid": pid})], [ours.fileno()])


def fork(sock: socket.socket, run: Callable[[socket.socket], NoReturn], *, group: bool = False) -> int:
    """Forks a process that dies with this one and has `sock` and the standard descriptors alone; returns its id."""
    parent = os.getpid()
    with sock:
        pid = os.fork()
        if pid:
            return pid
        try:
            die_with_parent(signal.SIGKILL, parent)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGHUP, signal.SIG_DFL)
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
    """Returns a message as it goes over the socket."""
    return json.dumps(message).encode("ascii")
