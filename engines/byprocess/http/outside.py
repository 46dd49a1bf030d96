"""What is outside a service, on a port of the loopback interface: activities, sleep and log. Serves HTTP by threads.

Its threads only take in and give out: what is asked for waits in a queue for whoever runs the command, so activities
are called one at a time, and where an engine in this process would call them.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from queue import SimpleQueue
from socketserver import ThreadingTCPServer
from typing import Any, Final, TypeAlias

from cutover.engines.byprocess.faults import BrokenProtocol
from cutover.engines.byprocess.http.asked import asked_for, named, shown
from cutover.engines.byprocess.http.orders import SleepOver
from cutover.engines.byprocess.messages import CallMessage, LogMessage, SleepMessage
from cutover.engines.byprocess.wire import plain

__all__ = ["MOST_BYTES", "Asked", "OutsideServer", "ServiceReply"]

MOST_BYTES: Final = 64 * 1024 * 1024
"""The most that a body has, in either direction."""
_PAUSE_S: Final = 0.01
_IDLE_S: Final = 60.0
"""How long a connection may be silent, real seconds."""


@dataclass(frozen=True, slots=True)
class ServiceReply:
    """What a service is answered with: a status, headers, and a body of JSON."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a service asks for, as it is shown, and where the reply goes; None where it is wrong, in `wrong`."""

    message: CallMessage | SleepMessage | LogMessage | None
    shown: bytes
    reply: SimpleQueue[ServiceReply]
    wrong: str = ""


_News: TypeAlias = "SimpleQueue[Any]"


class OutsideServer:
    """Listens from the moment it is made; puts what is asked for into `news` while it is `open`, and refuses it else.

    What the time is, by `now`, is told at once at any time, and so a line of the log is taken. `late` is what else was
    asked for between commands. `url` has a secret, so that nobody else on the machine is served.
    """

    def __init__(self, news: _News, now: Callable[[], datetime]) -> None:
        self._news, self._now, self._secret = news, now, secrets.token_hex(16)
        self._open, self._lock = False, threading.Lock()
        self._waiting: set[SimpleQueue[ServiceReply]] = set()
        self._keys: set[str] = set()
        self._count = 0
        self.late = ""
        self._server = _Listener(("127.0.0.1", 0), self)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/{self._secret}"
        threading.Thread(target=self._server.accept, daemon=True).start()

    def begin(self) -> None:
        """A command is under way."""
        with self._lock:
            self._open = True

    def over(self) -> None:
        """None is any more; whatever still waits for a reply is refused."""
        with self._lock:
            self._open = False
            for each in self._waiting:
                each.put(_LATE)

    def close(self) -> None:
        """Stops listening, and closes every connection."""
        self.over()
        self._server.server_close()

    def take(self, path: str, headers: Mapping[str, str], body: bytes) -> ServiceReply:
        """Returns the reply to a request, whose headers have small letters; waits in the thread of its connection."""
        secret, _, wanted = path.removeprefix("/").partition("/")
        if not secrets.compare_digest(secret.encode("utf-8", "replace"), self._secret.encode()):
            return _told(HTTPStatus.NOT_FOUND, "there is nothing at this path")
        if wanted == "now":
            return ServiceReply(HTTPStatus.OK, json.dumps(plain(SleepOver(now=self._now()))).encode("ascii"))
        key = headers.get("idempotency-key", "")
        replies: SimpleQueue[ServiceReply] = SimpleQueue()
        with self._lock:
            self._count += 1
            try:
                message, wrong = asked_for(self._count, wanted, headers, body), ""
            except BrokenProtocol as error:
                message, wrong = None, str(error)
            asked = Asked(message, shown(wanted, headers, body), replies, wrong)
            if isinstance(message, LogMessage):
                self._news.put(asked)
                return ServiceReply(HTTPStatus.NO_CONTENT)
            if not self._open:
                self.late = self.late or f"it asked for {named(wanted)} while no command was under way"
                return _LATE
            if key and key in self._keys:
                return _told(HTTPStatus.CONFLICT, "a call with this key is under way")
            self._keys.add(key)
            self._waiting.add(replies)
            self._news.put(asked)
        try:
            return replies.get()
        finally:
            with self._lock:
                self._waiting.discard(replies)
                self._keys.discard(key)


class _Listener(ThreadingTCPServer):
    """Remembers its connections, to close them; unlike `http.server`'s it asks no name server for its name."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], outside: OutsideServer) -> None:
        self.outside = outside
        self.connections: set[socket.socket] = set()
        self._closed = False
        super().__init__(address, _ServiceConnection)

    def accept(self) -> None:
        """Takes connections, each in a thread, until it is closed."""
        while not self._closed:
            try:
                connection, address = self.get_request()
            except OSError:  # closed, or a limit of this process
                time.sleep(_PAUSE_S)
            else:
                self.process_request(connection, address)

    def server_close(self) -> None:
        """Closes the port and the connections."""
        self._closed = True
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)  # which ends the wait for the next one
        super().server_close()
        for each in tuple(self.connections):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RD)  # a reply that is on its way still goes out

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing: whoever has gone away in the middle gets no answer."""


class _ServiceConnection(BaseHTTPRequestHandler):
    """One connection of the service, which may be used again and again."""

    protocol_version = "HTTP/1.1"
    timeout = _IDLE_S
    wbufsize = -1  # head and body go out together
    server: _Listener

    def setup(self) -> None:
        """Takes note of it."""
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.server.connections.add(self.connection)

    def finish(self) -> None:
        """It has ended."""
        self.server.connections.discard(self.connection)
        super().finish()

    def do_POST(self) -> None:
        """Serves one request."""
        size = self.headers.get("Content-Length", "")
        if not size.isascii() or not size.isdigit():
            self.close_connection = True
            self._send(_told(HTTPStatus.LENGTH_REQUIRED, "a request needs its Content-Length; chunks are not read"))
            return
        if int(size) > MOST_BYTES:
            self.close_connection = True
            self._send(_told(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a body has at most {MOST_BYTES:,} bytes"))
            return
        body = self.rfile.read(int(size))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self._send(self.server.outside.take(self.path, headers, body))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
        """Says nothing."""

    def _send(self, reply: ServiceReply) -> None:
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.status != HTTPStatus.NO_CONTENT:
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)


def _told(status: int, message: str) -> ServiceReply:
    return ServiceReply(status, json.dumps({"message": message, "retryable": False}).encode("ascii"))


_LATE: Final = _told(HTTPStatus.CONFLICT, "no command of this worker is under way")
