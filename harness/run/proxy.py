"""Stands between an engine and Postgres, and makes every round trip a place where a process can die. Does I/O.

A request is what a client sends up to and including Query, Sync or FunctionCall; its answer ends with ReadyForQuery.
Each such pair is one round trip, numbered from 1 over all connections of one proxy. A gate sees every request before
the server does and may ask for the answer before the client hears it. All other bytes pass as they are.
"""

from __future__ import annotations

import os
import shutil
import socket
import struct
import tempfile
from collections import deque
from enum import Enum, auto
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from harness.errors import EnvironmentProblem
from harness.run import wire
from harness.run.dsn import parse_dsn, to_url
from harness.run.loop import Connection, Loop

__all__ = ["Channel", "Gate", "OpenGate", "Proxy", "Ruling", "refuse_encrypted"]

_HIGH_WATER = 4 * 1024 * 1024
_PORT = 5432
_ENCRYPTED = frozenset({"require", "verify-ca", "verify-full"})


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
        """A whole request has arrived and the server has none of it yet."""

    def answer(self, channel: Channel, number: int) -> bool:
        """A collected answer is whole; True sends it on, else it waits for `Channel.release`."""


class OpenGate:
    """Lets everything pass."""

    def request(self, _channel: Channel, _number: int, _message: bytes) -> Ruling:
        """Passes."""
        return Ruling.PASS

    def answer(self, _channel: Channel, _number: int) -> bool:
        """Passes."""
        return True


class Channel:
    """One client connection and the server connection that belongs to it."""

    def __init__(self, proxy: Proxy, client: socket.socket) -> None:
        self._proxy = proxy
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
        self.transaction = b"I"
        """The server's word in its last ReadyForQuery: I idle, T in a transaction, E in a failed one."""
        self.peer = _peer(client)
        """The process id at the client's end; 0 over TCP."""
        self.client = Connection(proxy.loop, client, self._client_data, self.close)
        self.server = Connection(proxy.loop, proxy.dial(), self._server_data, self._server_closed)
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

    def refuse(self, code: str, text: str) -> None:
        """Answers the held request with an error instead of sending it; an open transaction is rolled back."""
        if self._held is None:
            return
        (number, _), self._held = self._held, None
        error = wire.error_response(code, text)
        if self.transaction == b"I":
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
        self._proxy.forget(self)

    def _client_data(self, data: bytes) -> None:
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
            if message[0] in wire.REQUEST_PARTS:
                self._parts += message
                continue
            request, self._parts = bytes(self._parts) + message, bytearray()
            self._last = message[0]
            if message[0] in wire.REQUEST_ENDS:
                self._rule(self._proxy.next_number(), request)
            else:
                self._to_server(request)

    def _rule(self, number: int, request: bytes) -> None:
        self._held = (number, request)
        ruling = self._proxy.gate.request(self, number, request)
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
        """What the client is to hear of it now."""
        ready = message[0] == wire.READY
        if ready:
            self.transaction = message[5:6]
        number, collect = self._awaited[0] if self._awaited else (0, False)
        if message[0] == wire.COPY_IN and self._last == wire.SYNC and len(self._awaited) == 1:
            self._awaited.popleft()  # the server overlooks this Sync; the one behind the data counts
        if ready and self._awaited:
            self._awaited.popleft()
        if self._replacement is not None and self._replacement[0] == number:
            if not ready:
                return b""
            error, self._replacement = self._replacement[1], None
            message = error + message
        if not (collect or self._answer_held) or message[0] in wire.COPY_STARTS:
            return message
        self._kept += message
        if collect and ready and not self._answer_held:
            self._answer_held = not self._proxy.gate.answer(self, number)
        if self._answer_held or not ready:
            return b""
        kept, self._kept = bytes(self._kept), bytearray()
        return kept

    def _server_closed(self) -> None:
        if not self._answer_held:
            self._to_client(bytes(self._kept))
            self.close()

    def _to_server(self, data: bytes) -> None:
        self.server.send(data)
        if self.server.pending > _HIGH_WATER:
            self.client.read(reading=False)

    def _to_client(self, data: bytes) -> None:
        self.client.send(data)
        if self.client.pending > _HIGH_WATER:
            self.server.read(reading=False)


class Proxy:
    """Accepts connections and carries each to the server that `target` names.

    `target` is a libpq connection string or URL. Without `port` it listens on a socket in a folder of its own that only
    this user can enter; with one, on that port of 127.0.0.1 (0 lets the system choose). Encryption is declined, as a
    round trip could not be seen through it; a client that insists on TLS says so and stops.
    """

    def __init__(self, loop: Loop, target: str, gate: Gate | None = None, *, port: int | None = None) -> None:
        self.loop = loop
        self.gate: Gate = gate or OpenGate()
        self.round_trips = 0
        self.channels: list[Channel] = []
        refuse_encrypted(target)
        self._target = parse_dsn(target)
        self._folder: str | None = None
        self._listener = self._listen_tcp(port) if port is not None else self._listen_unix()
        self._listener.setblocking(False)
        loop.watch(self._listener, self._accept)

    @property
    def dsn(self) -> str:
        """The target's URL with the proxy's address in it; it has the target's password."""
        address = self._listener.getsockname()
        host, port = (str(self._folder), _PORT) if self._folder else address[:2]
        parts = {key: value for key, value in self._target.items() if key not in {"hostaddr", "host", "port"}}
        return to_url(parts | {"host": host, "port": str(port), "sslmode": "disable", "gssencmode": "disable"})

    def next_number(self) -> int:
        """Counts one more round trip."""
        self.round_trips += 1
        return self.round_trips

    def dial(self) -> socket.socket:
        """A new connection to the server."""
        host = self._target.get("hostaddr") or self._target.get("host") or "/var/run/postgresql"
        port = int(self._target.get("port") or _PORT)
        if host.startswith("/"):
            sock = socket.socket(socket.AF_UNIX)
            sock.connect(os.fspath(Path(host) / f".s.PGSQL.{port}"))
        else:
            sock = socket.create_connection((host, port), timeout=10)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    def forget(self, channel: Channel) -> None:
        """Drops a channel that has closed."""
        if channel in self.channels:
            self.channels.remove(channel)

    def close(self) -> None:
        """Closes every connection and stops listening."""
        self.loop.forget(self._listener)
        self._listener.close()
        for channel in list(self.channels):
            channel.server.close()
            channel.client.close()
        self.channels.clear()
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _listen_unix(self) -> socket.socket:
        self._folder = tempfile.mkdtemp(prefix="cutover-")
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(os.fspath(Path(self._folder) / f".s.PGSQL.{_PORT}"))
        listener.listen(128)
        return listener

    @staticmethod
    def _listen_tcp(port: int) -> socket.socket:
        try:
            return socket.create_server(("127.0.0.1", port), backlog=128)
        except OSError as error:
            message = f"the proxy cannot listen on 127.0.0.1:{port} ({error.strerror}); name another port, or 0 for any"
            raise EnvironmentProblem(message) from error

    def _accept(self) -> None:
        try:
            client, _ = self._listener.accept()
        except BlockingIOError:
            return
        try:
            self.channels.append(Channel(self, client))
        except OSError:
            client.close()  # the server is away; the engine hears what it would hear from it

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def refuse_encrypted(target: str) -> None:
    """Raises EnvironmentProblem where the target asks for encryption, which would hide the round trips."""
    mode = parse_dsn(target).get("sslmode", "")
    if mode in _ENCRYPTED:
        raise EnvironmentProblem(
            f"the server's URL says sslmode={mode}, but engines are killed at round trips, and TLS hides those; "
            "give a test server that takes connections without it, or none to use the embedded one"
        )


def _peer(sock: socket.socket) -> int:
    if sock.family != socket.AF_UNIX:
        return 0
    size = struct.calcsize("3i")
    pid: int = struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))[0]
    return pid
