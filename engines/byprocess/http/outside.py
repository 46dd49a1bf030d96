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
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import SimpleQueue
from typing import Any, Final, TypeAlias
from urllib.parse import unquote

from cutover.engines.byprocess.faults import BrokenProtocol
from cutover.engines.byprocess.messages import CallMessage, LogMessage, SleepMessage
from cutover.engines.byprocess.wire import checked

__all__ = ["MOST_BYTES", "Asked", "OutsideServer", "ServiceReply"]

MOST_BYTES: Final = 64 * 1024 * 1024
"""The most that a body has, in either direction."""
_LONGEST: Final = 100
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

    `late` is what was asked for meanwhile. `url` has a secret, so that nobody else on the machine is served.
    """

    def __init__(self, news: _News) -> None:
        self._news, self._secret = news, secrets.token_hex(16)
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
        key = headers.get("idempotency-key", "")
        replies: SimpleQueue[ServiceReply] = SimpleQueue()
        shown = f"POST /{wanted} {_listed(headers)}".encode() + body
        with self._lock:
            self._count += 1
            try:
                message, wrong = _message(self._count, wanted, headers, body), ""
            except BrokenProtocol as error:
                message, wrong = None, str(error)
            asked = Asked(message, shown, replies, wrong)
            if isinstance(message, LogMessage):
                self._news.put(asked)
                return ServiceReply(HTTPStatus.NO_CONTENT)
            if not self._open:
                self.late = self.late or f"it asked for {_named(wanted)} while no command was under way"
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


class _Listener(ThreadingHTTPServer):
    """Remembers its connections, to close them."""

    daemon_threads = True
    block_on_close = False

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


def _message(
    number: int, wanted: str, headers: Mapping[str, str], body: bytes
) -> CallMessage | SleepMessage | LogMessage:
    """Returns what a request asks for. Raises BrokenProtocol."""
    what, _, rest = wanted.partition("/")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise BrokenProtocol(f"the body of its request for {_named(wanted)} is not UTF-8") from None
    if what == "activities" and rest:
        for name in (each for each in _HEADERS if not headers.get(each.lower(), "").isascii()):
            raise BrokenProtocol(f"its header {name} is not ASCII; write it as encodeURIComponent does")
        attempt = headers.get("x-attempt", "")
        values = {
            "id": number,
            "execution_id": headers.get("x-execution-id"),
            "step_id": unquote(headers["x-step-id"]) if "x-step-id" in headers else None,
            "activity": unquote(rest),
            "attempt": int(attempt) if attempt.isdigit() else attempt,
            "input": text,
            "idempotency_key": headers.get("idempotency-key"),
        }
        return checked(CallMessage, values, "its request for an activity")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise BrokenProtocol(f"the body of its request for {_named(wanted)} is not a JSON object")
    if wanted == "sleep":
        return checked(SleepMessage, {**found, "id": number}, "its request for sleep")
    if wanted == "log":
        return checked(LogMessage, found, "its request for log")
    raise BrokenProtocol(f"it posted to {_named(wanted)}; there are /activities/NAME, /sleep and /log")


def _named(wanted: str) -> str:
    """Returns the path that was asked for, as a message has it."""
    return ascii(f"/{wanted[:_LONGEST]}")


def _told(status: int, message: str) -> ServiceReply:
    return ServiceReply(status, json.dumps({"message": message, "retryable": False}).encode("ascii"))


_LATE: Final = _told(HTTPStatus.CONFLICT, "no command of this worker is under way")
_HEADERS: Final = ("X-Execution-Id", "X-Step-Id", "X-Attempt", "Idempotency-Key")


def _listed(headers: Mapping[str, str]) -> str:
    return "".join(f"{name}: {headers[name.lower()]} " for name in _HEADERS if name.lower() in headers)
