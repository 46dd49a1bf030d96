"""What happens inside a process that hosts one engine: it serves one command at a time until it is killed. Does I/O.

The engine's only ways out are its connections, which lead to the proxy, and one socket to the harness, over which go
activity calls, the wish to sleep, and log lines. Messages are a 4-byte length and JSON. The clock is read from memory
that all processes of a case share, so `now()` costs nothing and every host of a case sees the same time.

This module, and what it imports, is in every host's memory: a fork copies what its process touches, so keep it small.
"""

from __future__ import annotations

import json
import os
import socket
import struct
import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import NoReturn, TypeAlias
from uuid import UUID

from cutover.engines.api import (
    ActivityCall,
    ActivityResult,
    Engine,
    EngineContext,
    EngineFactory,
    ExecutionRequest,
    JsonValue,
    Signal,
)
from cutover.engines.byprocess.hosting import begin_hosted
from cutover.engines.errors import ActivityError
from cutover.engines.payloads import decode, encode
from cutover.harness.run.process.refusal import refusal_of
from cutover.harness.run.world.clock import SharedClock
from cutover.harness.run.world.traces import trace_of

__all__ = ["HostLink", "Message", "pack", "serve"]

Message: TypeAlias = dict[str, JsonValue]


def pack(message: Message) -> bytes:
    """Returns a message as it goes over a link."""
    body = json.dumps(message).encode("ascii")
    return struct.pack("!I", len(body)) + body


def serve(
    link: HostLink, factory: EngineFactory, clock: SharedClock, requests: Mapping[int, ExecutionRequest]
) -> NoReturn:
    """Waits for the message that says which of the `requests` and where, then for one command after another."""
    begin_hosted(factory)
    begin = link.receive()
    request = replace(requests[int(str(begin["request"]))], execution_id=UUID(str(begin["execution_id"])))
    outside = _HostedOutside(link, clock)
    engine: Engine | None = None
    while True:
        command = link.receive()
        raised: JsonValue = None
        try:
            if engine is None:
                dsn = str(begin["dsn"])
                engine = factory(EngineContext(dsn=dsn, activities=outside, clock=outside, log=outside.log))
            _carry_out(engine, request, command)
        except Exception as error:  # noqa: BLE001 - whatever an engine raises is a result
            raised = {
                "type": type(error).__name__,
                "message": str(error),
                "refused": refusal_of(error),
                "trace": trace_of(error),
            }
        link.send({"op": "done", "raised": raised})


def _carry_out(engine: Engine, request: ExecutionRequest, command: Message) -> None:
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


class HostLink:
    """A blocking end of a socket on which messages go; a process whose other end is gone exits."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._sending = threading.Lock()

    def send(self, message: Message) -> None:
        """Sends it whole, whichever thread it comes from."""
        packed = pack(message)
        with self._sending:
            self.sock.sendall(packed)

    def receive(self) -> Message:
        """Returns the next message."""
        (size,) = struct.unpack("!I", self._exactly(4))
        message: Message = json.loads(self._exactly(size))
        return message

    def ask(self, message: Message) -> Message:
        """Sends a message and returns the answer."""
        self.send(message)
        return self.receive()

    def _exactly(self, size: int) -> bytes:
        parts = bytearray()
        while len(parts) < size:
            data = self.sock.recv(size - len(parts))
            if not data:
                os._exit(0)
            parts += data
        return bytes(parts)


class _HostedOutside:
    """What the hosted engine is given: activities, a clock and a log, all carried over the link."""

    def __init__(self, link: HostLink, clock: SharedClock) -> None:
        self._link, self._clock = link, clock
        self._asking = threading.Lock()

    def call(self, call: ActivityCall) -> ActivityResult:
        answer = self._ask(
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
            self._ask({"op": "sleep", "until": deadline.isoformat()})

    def log(self, line: str) -> None:
        self._link.send({"op": "log", "line": line})

    def _ask(self, message: Message) -> Message:
        """Sends a message and returns its answer; threads of the engine's take turns, so each gets its own."""
        with self._asking:
            return self._link.ask(message)
