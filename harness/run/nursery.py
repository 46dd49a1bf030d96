"""A small process from which the processes that host engines are forked, one of them ahead of its time. Does I/O.

Hosts are not forked from the process that plays cases: that one changes its memory all the time, and each page that it
changes after a fork is copied. The nursery has the engine loaded and the workflows that it was told of, changes next
to nothing, and forks the next host while the last one works. Both ends are here; what goes between them are packets of
JSON, with a descriptor where one has to be handed over.
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
from collections import OrderedDict
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final, NoReturn, Self, TypeAlias
from uuid import UUID

from engines.api import EngineContext, EngineFactory, ExecutionRequest
from harness.errors import CutoverProblem
from harness.run.clock import SharedClock, VirtualClock
from harness.run.hosted import Link, pack, serve
from harness.run.nobody import Nobody
from scenarios.files import dumps_line, loads
from scenarios.model import Scenario

__all__ = ["Nursery", "NurseryProblem"]

_PR_SET_PDEATHSIG: Final = 1
_LIBC: Final = ctypes.CDLL(None)
_MOST_KNOWN: Final = 128
"""Scenarios that the nursery remembers; more would make every fork dearer."""
_PACKET: Final = 1 << 16
_DESCRIPTORS: Final = 4096
_ROUNDS: Final = 10
"""How often the nursery warms up: Python adapts code that has run eight times."""
_NOBODY: Final = UUID(int=0)
_GONE: Final = "the process that forks the hosts is gone, perhaps killed for want of memory; run it again"
Packet: TypeAlias = dict[str, Any]


class NurseryProblem(CutoverProblem):
    """No host can be forked any more: the machine's limits are reached, or the nursery was killed."""


class Nursery:
    """The handle; a context manager that leaves no host behind.

    The process is forked from the present one, so make it while that is small. `dsn` is a database in which the engine
    is installed; nothing is written there. `clock` is the time that all hosts see.
    """

    def __init__(self, factory: EngineFactory, dsn: str) -> None:
        self.clock = SharedClock()
        self._known: OrderedDict[int, tuple[int, Scenario]] = OrderedDict()
        self._told = 0
        self._dead: list[int] = []
        self._spare: tuple[int, socket.socket] | None = None
        self._sock, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.pid = _fork(theirs, lambda sock: _serve(sock, factory, self.clock, dsn))
        self._order()

    def host(self, scenario: Scenario, execution_id: UUID, dsn: str) -> tuple[int, socket.socket]:
        """A new host's process id, and our end of the link to it. Raises NurseryProblem."""
        number = self._number(scenario)
        pid, link = self._ready()
        self._spare = None
        self._order()
        link.sendall(pack({"request": number, "execution_id": str(execution_id), "dsn": dsn}))
        return pid, link

    def status(self, pid: int) -> int:
        """The exit status of a host that has died, negative for a signal."""
        self._ready()  # its announcement is on the way, before the answer
        self._say({"op": "status", "pid": pid})
        status: int = self._hear()[0]["status"]
        return status

    def bury(self, pid: int) -> None:
        """Nobody will ask for the status of this host, which has died."""
        self._dead.append(pid)

    def close(self) -> None:
        """Ends the process, and with it every host."""
        self._drop_spare()
        self._sock.close()
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _number(self, scenario: Scenario) -> int:
        """By what the nursery knows the scenario; told where it is new, which the spare is too old to have heard."""
        key = id(scenario)
        if key in self._known:
            self._known.move_to_end(key)
            return self._known[key][0]
        self._ready()
        self._drop_spare()
        self._told += 1
        self._known[key] = self._told, scenario
        forget = self._known.popitem(last=False)[1][0] if len(self._known) > _MOST_KNOWN else 0
        text = os.memfd_create("cutover-scenario")
        try:
            with open(text, "w", encoding="ascii", closefd=False) as file:
                file.write(dumps_line(scenario))
            self._say({"op": "learn", "number": self._told, "forget": forget}, text)
        finally:
            os.close(text)
        self._order()
        return self._told

    def _order(self) -> None:
        """Asks for the next host, which is forked while others work."""
        self._say({"op": "host", "dead": self._dead})
        self._dead = []

    def _ready(self) -> tuple[int, socket.socket]:
        """The spare, waited for where it is not there yet."""
        if self._spare is None:
            answer, descriptors = self._hear()
            if "error" in answer:
                self._order()
                raise NurseryProblem(
                    f"no process can be forked: {answer['error']}; allow more processes, or fewer --workers"
                )
            self._spare = answer["pid"], socket.socket(fileno=descriptors[0])
        return self._spare

    def _drop_spare(self) -> None:
        """Lets the spare go, which then exits by itself."""
        if self._spare is not None:
            (pid, link), self._spare = self._spare, None
            link.close()
            self.bury(pid)

    def _say(self, message: Packet, descriptor: int | None = None) -> None:
        try:
            socket.send_fds(self._sock, [_packed(message)], [] if descriptor is None else [descriptor])
        except OSError as error:
            raise NurseryProblem(_GONE) from error

    def _hear(self) -> tuple[Packet, list[int]]:
        try:
            packet, descriptors, _, _ = socket.recv_fds(self._sock, _PACKET, 1)
        except OSError:
            packet, descriptors = b"", []
        if not packet:
            raise NurseryProblem(_GONE)
        return json.loads(packet), descriptors


def _serve(sock: socket.socket, factory: EngineFactory, clock: SharedClock, dsn: str) -> NoReturn:
    """What the nursery itself does, until the other end closes."""
    _warm_up(factory, dsn)
    requests: dict[int, ExecutionRequest] = {}
    while True:
        try:
            packet, descriptors, _, _ = socket.recv_fds(sock, _PACKET, 1)
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
                _bear(sock, lambda link: serve(Link(link), factory, clock, requests))
            case "status":
                _, status = os.waitpid(message["pid"], 0)
                sock.send(_packed({"status": os.waitstatus_to_exitcode(status)}))


def _warm_up(factory: EngineFactory, dsn: str) -> None:
    """Asks for the journal of an execution that is not there: what that loads and sets up no host need do again."""
    for _ in range(_ROUNDS):
        engine = factory(EngineContext(dsn=dsn, activities=Nobody("a nursery"), clock=VirtualClock(), log=_drop))
        with contextlib.suppress(Exception):  # a host meets it too, and there it is seen
            engine.journal(_NOBODY)
        engine.close()
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
            pid = _fork(theirs, host, group=True)
        except OSError as error:
            sock.send(_packed({"error": str(error)}))
            return
        with contextlib.suppress(OSError):
            os.setpgid(pid, pid)  # the child does it too; whoever comes first
        socket.send_fds(sock, [_packed({"pid": pid})], [ours.fileno()])


def _fork(sock: socket.socket, run: Callable[[socket.socket], NoReturn], *, group: bool = False) -> int:
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
        except BaseException:  # noqa: BLE001 - nothing of the parent's may be unwound here
            traceback.print_exc()
        finally:
            os._exit(1)


def _drop(_line: str) -> None:
    """The log of an engine that runs nothing."""


def _packed(message: Packet) -> bytes:
    return json.dumps(message).encode("ascii")
