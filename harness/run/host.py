"""A process that hosts one engine and can be killed: forked from the runner, it serves one command at a time. Does I/O.

The engine's only ways out are its connections, which lead to the proxy, and one socket to the runner, over which go
activity calls, the wish to sleep, and log lines. Messages are a 4-byte length and JSON. The clock is read from memory
that both processes share, so `now()` costs nothing and every host of a case sees the same time.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import mmap
import os
import signal
import socket
import struct
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NoReturn, TypeAlias

from engines.api import (
    ActivityCall,
    ActivityResult,
    Engine,
    EngineContext,
    EngineFactory,
    ExecutionRequest,
    JsonValue,
    Signal,
)
from engines.errors import ActivityError
from engines.payloads import decode, encode
from harness.run.loop import Connection, Loop

__all__ = ["Host", "Message", "SharedClock"]

Message: TypeAlias = dict[str, JsonValue]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)


class SharedClock:
    """Time in memory that parent and children share; only the runner moves it, and within a case only forwards."""

    def __init__(self, start: datetime) -> None:
        self._memory = mmap.mmap(-1, 8)
        self.restart(start)

    def restart(self, start: datetime) -> None:
        """Sets the time for the next case."""
        self._write(start)

    def now(self) -> datetime:
        """The time, UTC."""
        micros: int = struct.unpack_from("<q", self._memory)[0]
        return _EPOCH + timedelta(microseconds=micros)

    def advance_to(self, moment: datetime) -> None:
        """Moves on to `moment`; does nothing where it has passed."""
        if moment > self.now():
            self._write(moment)

    def sleep_until(self, deadline: datetime) -> None:
        """Moves on to the deadline, as virtual time does."""
        self.advance_to(deadline)

    def _write(self, moment: datetime) -> None:
        struct.pack_into("<q", self._memory, 0, (moment - _EPOCH) // timedelta(microseconds=1))


class _Link:
    """The child's end of the socket to the runner; blocking."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def send(self, message: Message) -> None:
        self._sock.sendall(_pack(message))

    def receive(self) -> Message:
        (size,) = struct.unpack("!I", self._exactly(4))
        message: Message = json.loads(self._exactly(size))
        return message

    def ask(self, message: Message) -> Message:
        self.send(message)
        return self.receive()

    def _exactly(self, size: int) -> bytes:
        parts = bytearray()
        while len(parts) < size:
            data = self._sock.recv(size - len(parts))
            if not data:
                os._exit(0)  # the runner is gone
            parts += data
        return bytes(parts)


class _Outside:
    """What the hosted engine is given: activities, a clock and a log, all carried over the link."""

    def __init__(self, link: _Link, clock: SharedClock) -> None:
        self._link, self._clock = link, clock

    def call(self, call: ActivityCall) -> ActivityResult:
        answer = self._link.ask(
            {
                "op": "call",
                "execution_id": str(call.execution_id),
                "step_id": call.step_id,
                "activity": call.activity,
                "attempt": call.attempt,
                "idempotency_key": call.idempotency_key,
                "input": encode(call.input),
            }
        )
        if "error" in answer:
            raise ActivityError(str(answer["error"]), retryable=bool(answer["retryable"]))
        ports = answer["ports"]
        return ActivityResult(
            output=decode(str(answer["output"])),
            ports=tuple(str(port) for port in ports) if isinstance(ports, list) else (),
        )

    def now(self) -> datetime:
        return self._clock.now()

    def sleep_until(self, deadline: datetime) -> None:
        if deadline > self._clock.now():
            self._link.ask({"op": "sleep", "until": deadline.isoformat()})

    def log(self, line: str) -> None:
        self._link.send({"op": "log", "line": line})


def _pack(message: Message) -> bytes:
    body = json.dumps(message).encode("ascii")
    return struct.pack("!I", len(body)) + body


def _child(
    sock: socket.socket, factory: EngineFactory, dsn: str, clock: SharedClock, request: ExecutionRequest
) -> NoReturn:
    """Everything that happens in the forked process."""
    link = _Link(sock)
    outside = _Outside(link, clock)
    engine: Engine | None = None
    while True:
        command = link.receive()
        raised: JsonValue = None
        try:
            if engine is None:
                engine = factory(EngineContext(dsn=dsn, activities=outside, clock=outside, log=outside.log))
            _obey(engine, request, command)
        except Exception as error:  # noqa: BLE001 - whatever an engine raises is a result
            raised = {"type": type(error).__name__, "message": str(error)}
        link.send({"op": "done", "raised": raised})


def _obey(engine: Engine, request: ExecutionRequest, command: Message) -> None:
    match command["op"]:
        case "execute":
            engine.execute(request)
        case "resume":
            engine.resume(request.execution_id)
        case "signal":
            given = Signal(id=str(command["id"]), name=str(command["name"]), payload=decode(str(command["payload"])))
            engine.resume(request.execution_id, given)
        case "cancel":
            engine.cancel(request.execution_id)


class Host:
    """The runner's handle on one hosted engine, in a process group of its own; `on_message` gets all but `done`."""

    def __init__(
        self,
        loop: Loop,
        factory: EngineFactory,
        dsn: str,
        clock: SharedClock,
        request: ExecutionRequest,
        *,
        on_message: Callable[[Host, Message], None],
    ) -> None:
        self._loop = loop
        self._on_message = on_message
        self._rest = bytearray()
        ours, theirs = socket.socketpair()
        self.pid = _fork(theirs, factory, dsn, clock, request)
        theirs.close()
        self._pidfd = os.pidfd_open(self.pid)
        self.alive = True
        self.stopped = False
        self.busy: str | None = None
        self.raised: Message | None = None
        self.exit_status: int | None = None
        loop.watch(self._pidfd, self._reap)
        self._connection = Connection(loop, ours, self._data, lambda: None)

    def command(self, message: Message) -> None:
        """Gives the engine something to do; `busy` until it has returned or raised. A dead one never is."""
        self.raised = None
        if not self.alive:
            return
        self.busy = str(message["op"])
        self.answer(message)

    def answer(self, message: Message) -> None:
        """Answers what the engine asked."""
        self._connection.send(_pack(message))

    def kill(self) -> None:
        """SIGKILL to this process alone: children of its own go on, as they would if it ran out of memory."""
        if self.alive:
            os.kill(self.pid, signal.SIGKILL)

    def leads(self, pid: int) -> bool:
        """Whether a process belongs to this host's group."""
        try:
            return os.getpgid(pid) == self.pid
        except ProcessLookupError:
            return False

    def stop(self) -> None:
        """SIGSTOP: from here it is a zombie that believes itself alive."""
        self.stopped = True
        os.killpg(self.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """SIGCONT."""
        self.stopped = False
        os.killpg(self.pid, signal.SIGCONT)

    def close(self) -> None:
        """Kills and reaps; blocks for no longer than the kernel needs."""
        self.kill()
        if self.alive:
            self._reap(block=True)
        self._connection.close()

    def _data(self, data: bytes) -> None:
        self._rest += data
        while len(self._rest) >= 4:
            (size,) = struct.unpack_from("!I", self._rest)
            if len(self._rest) < 4 + size:
                return
            message: Message = json.loads(self._rest[4 : 4 + size])
            del self._rest[: 4 + size]
            if message["op"] == "done":
                self.busy = None
                raised = message["raised"]
                self.raised = raised if isinstance(raised, dict) else None
            else:
                self._on_message(self, message)

    def _reap(self, *, block: bool = False) -> None:
        pid, status = os.waitpid(self.pid, 0 if block else os.WNOHANG)
        if pid:
            self.alive = False
            self.busy = None
            self.exit_status = os.waitstatus_to_exitcode(status)
            self._loop.forget(self._pidfd)
            os.close(self._pidfd)


def _fork(sock: socket.socket, factory: EngineFactory, dsn: str, clock: SharedClock, request: ExecutionRequest) -> int:
    runner = os.getpid()
    pid = os.fork()
    if pid:
        with contextlib.suppress(OSError):
            os.setpgid(pid, pid)  # the child does it too; whoever comes first
        return pid
    try:
        gc.freeze()  # what the runner holds is neither looked at nor given back here
        os.setpgid(0, 0)
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != runner:
            os._exit(0)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        keep = sock.fileno()
        os.closerange(3, keep)
        os.closerange(keep + 1, 4096)
        _child(sock, factory, dsn, clock, request)
    finally:
        os._exit(1)
