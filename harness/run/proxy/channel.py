"""One client's connection and the server's that belongs to it, and how each round trip on them is ruled. Does I/O."""

from __future__ import annotations

import socket
import struct
from collections import deque
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

from cutover.harness.run.process.loop import Loop, LoopConnection
from cutover.harness.run.proxy import wire
from cutover.harness.run.proxy.prepared import PreparedNames

__all__ = ["Channel", "Gate", "OpenGate", "PassedBy", "Ruling", "Switch"]

_HIGH_WATER = 4 * 1024 * 1024


class Ruling(Enum):
    """What becomes of a request."""

    PASS = auto()
    HOLD = auto()
    """The server gets nothing until `Channel.release`, `refuse` or `close`."""
    COLLECT = auto()
    """The server gets it, and the whole answer is shown to the gate before the client hears any of it."""


class Gate(Protocol):
    """Decides about each round trip."""

    def request(self, channel: Channel, number: int, message: bytes) -> Ruling:
        """Rules on a request that has arrived whole, and of which the server has nothing yet."""

    def answer(self, channel: Channel, number: int) -> bool:
        """Rules on a collected answer that is whole; True sends it on, else it waits for `Channel.release`."""


class OpenGate:
    """Lets everything pass."""

    def request(self, _channel: Channel, _number: int, _message: bytes) -> Ruling:
        """Passes."""
        return Ruling.PASS

    def answer(self, _channel: Channel, _number: int) -> bool:
        """Passes."""
        return True


@dataclass(slots=True)
class PassedBy:
    """What has passed since the start, over all channels.

    `statements` counts those that the server has finished, `transactions` the round trips after which none was open.
    """

    connections: int = 0
    statements: int = 0
    transactions: int = 0
    bytes_sent: int = 0
    bytes_received: int = 0


class Switch(Protocol):
    """What a channel belongs to: it numbers round trips over all channels, and knows where the server is."""

    loop: Loop
    gate: Gate
    passed_by: PassedBy

    def next_number(self) -> int:
        """Counts one more round trip."""

    def dial(self) -> socket.socket:
        """Returns a new connection to the server."""

    def forget(self, channel: Channel) -> None:
        """Drops a channel that has closed."""


class Channel:
    """One client connection and the server connection that belongs to it."""

    def __init__(self, switch: Switch, client: socket.socket) -> None:
        self._switch = switch
        self._passed_by = switch.passed_by
        self._from_client = wire.Splitter("the engine", untyped=True)
        self._from_server = wire.Splitter("the server")
        self._greeted = False
        self._inbox: deque[bytes] = deque()
        self._parts = bytearray()
        self._last = 0
        self._held: tuple[int, bytes] | None = None
        self._awaited: deque[tuple[int, bool]] = deque()  # requests the server has, and whether to collect the answer
        self._replacement: tuple[int, bytes] | None = None
        self._kept = bytearray()
        self._answer_held = False
        self.prepared = PreparedNames()
        self.transaction = b"I"
        """The server's word in its last ReadyForQuery: I idle, T in a transaction, E in a failed one."""
        self.peer = _peer(client)
        """The process id at the client's end; 0 over TCP."""
        server = switch.dial()  # where it fails, the loop has heard of neither
        self.client = LoopConnection(switch.loop, client, self._client_data, self.close)
        self.server = LoopConnection(switch.loop, server, self._server_data, self._server_closed)
        self.client.on_drained = lambda: self.server.read(reading=True)
        self.server.on_drained = lambda: self.client.read(reading=True)

    def release(self) -> None:
        """Sends on what was held, then whatever came behind it."""
        if self._held is not None:
            (number, request), self._held = self._held, None
            self._send_request(number, request, collect=False)
            self._pump()
        if self._answer_held:
            self._answer_held = False
            kept, self._kept = bytes(self._kept), bytearray()
            self._to_client(kept)
            if not self.server.open:
                self.close()

    def refuse(self, code: str, text: str) -> None:
        """Answers the held request with an error instead of sending it; an open transaction is rolled back.

        Where answers to earlier requests are on their way, the server is asked too, so that the error keeps its place.
        """
        if self._held is None:
            return
        (number, _), self._held = self._held, None
        error = wire.error_response(code, text)
        if self.transaction == b"I" and not self._awaited:
            self._to_client(error + wire.ready())
        else:
            self._replacement = (number, error)
            self._send_request(number, wire.query("ROLLBACK"), collect=False)
        self._pump()

    def cut(self, *, announced: bool) -> None:
        """Breaks the connection: with the FATAL 57P01 of an administrator's command, or without a word."""
        self.server.close()
        if announced:
            text = "terminating connection due to administrator command"
            self.client.send(wire.error_response("57P01", text, "FATAL"))
            self.client.finish()
        self.close()

    def close(self) -> None:
        """Closes the server's end at once, and the client's once it has what was sent to it."""
        self.server.close()
        self.client.finish()
        self._switch.forget(self)

    def _client_data(self, data: bytes) -> None:
        if not self.server.open:
            return
        try:
            for message in self._from_client.feed(data):
                if self._greeted:
                    self._inbox.append(message)
                else:
                    self._greet(message)
        except wire.WireError as error:
            self._give_up(error)
            return
        self._pump()

    def _give_up(self, error: wire.WireError) -> None:
        """Ends a connection on which something else than Postgres's protocol is spoken; others go on."""
        self.client.send(wire.error_response("08P01", str(error), "FATAL"))
        self.close()

    def _greet(self, message: bytes) -> None:
        """Answers a wish for encryption with No, and passes the startup message on."""
        if wire.startup_code(message) in {wire.SSL_REQUEST, wire.GSSENC_REQUEST}:
            self.client.send(b"N")
            return
        self._greeted = True
        self._from_client.typed()
        self._to_server(message)

    def _pump(self) -> None:
        while self._inbox and self._held is None:
            message = self._inbox.popleft()
            self.prepared.take(message)
            if message[0] in wire.REQUEST_PARTS:
                self._parts += message
                continue
            request, self._parts = bytes(self._parts) + message, bytearray()
            self._last = message[0]
            if message[0] in wire.REQUEST_ENDS:
                self._rule(self._switch.next_number(), request)
            else:
                self._to_server(request)

    def _rule(self, number: int, request: bytes) -> None:
        self._held = (number, request)
        ruling = self._switch.gate.request(self, number, request)
        if ruling is not Ruling.HOLD and self._held is not None:
            self._held = None
            self._send_request(number, request, collect=ruling is Ruling.COLLECT)

    def _send_request(self, number: int, request: bytes, *, collect: bool) -> None:
        self._awaited.append((number, collect))
        self._to_server(request)

    def _server_data(self, data: bytes) -> None:
        passing = bytearray()
        try:
            for message in self._from_server.feed(data):
                passing += self._server_message(message)
        except wire.WireError as error:
            self._give_up(error)
            return
        self._to_client(bytes(passing))

    def _server_message(self, message: bytes) -> bytes:
        """Returns what the client is to hear of it now."""
        ready = message[0] == wire.READY
        if ready:
            self.transaction = message[5:6]
            self._passed_by.transactions += bool(self._awaited) and self.transaction == b"I"
        elif message[0] == wire.COMMAND_COMPLETE:
            self._passed_by.statements += 1
        number, collect = self._awaited[0] if self._awaited else (0, False)
        if message[0] == wire.COPY_IN and self._last == wire.SYNC and len(self._awaited) == 1:
            self._awaited.popleft()  # the server overlooks this Sync; the one behind the data counts
        if ready and self._awaited:
            self._awaited.popleft()
        if self._replacement is not None and self._replacement[0] == number:
            if not ready:
                return message if message[0] in wire.UNASKED else b""
            error, self._replacement = self._replacement[1], None
            message = error + message
        if not (collect or self._answer_held) or message[0] in wire.COPY_STARTS:
            return message
        self._kept += message
        if collect and ready and not self._answer_held:
            self._answer_held = not self._switch.gate.answer(self, number)
        if self._answer_held or not ready:
            return b""
        kept, self._kept = bytes(self._kept), bytearray()
        return kept

    def _server_closed(self) -> None:
        if not self._answer_held:
            self._to_client(bytes(self._kept))
            self.close()

    def _to_server(self, data: bytes) -> None:
        self._passed_by.bytes_sent += len(data)
        self.server.send(data)
        if self.server.pending > _HIGH_WATER:
            self.client.read(reading=False)

    def _to_client(self, data: bytes) -> None:
        self._passed_by.bytes_received += len(data)
        self.client.send(data)
        if self.client.pending > _HIGH_WATER:
            self.server.read(reading=False)


def _peer(sock: socket.socket) -> int:
    if sock.family != socket.AF_UNIX:
        return 0
    size = struct.calcsize("3i")
    pid: int = struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))[0]
    return pid
