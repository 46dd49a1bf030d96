"""One request to a service, in a thread of its own; what came of it is put into a queue. Does I/O."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from queue import Empty, SimpleQueue
from typing import Any, Final
from urllib.parse import urlsplit

from cutover.engines.byprocess.http.outside import MOST_BYTES

__all__ = ["ServiceAnswer", "ServiceRequest", "asked_once"]

_NOBODY: Final = "nobody listens there"


@dataclass(frozen=True, slots=True)
class ServiceAnswer:
    """What a service answered; or in `failed` why it did not."""

    status: int = 0
    reason: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    failed: str = ""


class ServiceRequest:
    """A request that begins as it is made; its ServiceAnswer is put into `news`, unless it is given up."""

    def __init__(self, news: SimpleQueue[Any], method: str, url: str, body: bytes, within_s: float) -> None:
        self._news, self._method, self._url, self._body = news, method, url, body
        parts = urlsplit(url)
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._connection = kind(parts.hostname or "", parts.port, timeout=within_s)
        self._path = parts.path or "/"
        self._given_up = False
        threading.Thread(target=self._run, daemon=True).start()

    def give_up(self) -> None:
        """Lets go of the connection; nothing will be put into the queue."""
        self._given_up = True
        if (sock := self._connection.sock) is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def _run(self) -> None:
        answer = self._answer()
        self._connection.close()
        if not self._given_up:
            self._news.put(answer)

    def _answer(self) -> ServiceAnswer:
        connection = self._connection
        try:
            connection.connect()
        except ConnectionRefusedError:
            return ServiceAnswer(failed=_NOBODY)
        except OSError as error:
            return ServiceAnswer(failed=f"no connection: {error.strerror or error}")
        try:
            connection.sock.settimeout(None)  # whoever waits for the answer knows for how long
            headers = {"Content-Type": "application/json", "Accept": "application/json", "Connection": "close"}
            connection.request(self._method, self._path, self._body or None, headers)
            found = connection.getresponse()
            body = found.read(MOST_BYTES + 1)
        except (OSError, HTTPException) as error:
            told = "; it closed the connection" if isinstance(error, ConnectionError) else ""
            return ServiceAnswer(failed=f"no whole answer came ({type(error).__name__}{told})")
        lowered = {name.lower(): value for name, value in found.getheaders()}
        if found.length and len(body) <= MOST_BYTES:  # less came than it said
            return ServiceAnswer(failed="its answer ended in the middle")
        return ServiceAnswer(found.status, found.reason, lowered, body)


def asked_once(url: str, within_s: float) -> ServiceAnswer:
    """Returns the answer to a GET, waited for no longer than that."""
    news: SimpleQueue[ServiceAnswer] = SimpleQueue()
    request = ServiceRequest(news, "GET", url, b"", within_s)
    try:
        return news.get(timeout=within_s)
    except Empty:
        request.give_up()
        return ServiceAnswer(failed="no answer came in time")
