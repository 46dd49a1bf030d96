"""Postgres's wire protocol, version 3: splits a byte stream into messages and writes the few that we send. Pure.

Source: the PostgreSQL manual, chapter "Frontend/Backend Protocol", sections "Message Formats" and "Message Flow".
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

__all__ = [
    "CANCEL_REQUEST",
    "COMMAND_COMPLETE",
    "COPY_IN",
    "COPY_STARTS",
    "GSSENC_REQUEST",
    "READY",
    "REQUEST_ENDS",
    "REQUEST_PARTS",
    "SSL_REQUEST",
    "SYNC",
    "UNASKED",
    "Splitter",
    "WireError",
    "error_response",
    "messages_in",
    "query",
    "ready",
    "startup_code",
]

from cutover.engines.errors import CutoverError

SSL_REQUEST: Final = 80877103
GSSENC_REQUEST: Final = 80877104
CANCEL_REQUEST: Final = 80877102

REQUEST_ENDS: Final = frozenset(b"QSF")
"""Message types that end a request and make the server answer up to ReadyForQuery: Query, Sync, FunctionCall."""
REQUEST_PARTS: Final = frozenset(b"PBDEC")
"""Parse, Bind, Describe, Execute, Close: the parts of an extended query, sent on together with their Sync."""
READY: Final = ord("Z")
COMMAND_COMPLETE: Final = ord("C")

SYNC: Final = ord("S")
COPY_IN: Final = ord("G")
COPY_STARTS: Final = frozenset(b"GW")
"""CopyInResponse and CopyBothResponse, which the client must hear before it goes on."""

UNASKED: Final = frozenset(b"AS")
"""NotificationResponse and ParameterStatus, which belong to no answer and which the client must hear in any case."""

_MAX_STARTUP: Final = 10_000
_MAX_MESSAGE: Final = 0x3FFFFFFF + 4
"""What Postgres can hold in memory at once, and hence send and take, with the four bytes of the length itself."""


class WireError(CutoverError):
    """Bytes that are not of the Postgres protocol; the message says which side sent them."""


def messages_in(request: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yields the type and the body of each message of a whole request."""
    place = 0
    while place + 5 <= len(request):
        (length,) = struct.unpack_from("!I", request, place + 1)
        yield request[place : place + 1], request[place + 5 : place + 1 + length]
        place += 1 + length


class Splitter:
    """Cuts one direction of a connection into whole messages; keeps the unfinished rest.

    `untyped` starts with the messages that have no type byte, as a client's first packets; `typed()` ends that.
    """

    def __init__(self, side: str, *, untyped: bool = False) -> None:
        self._side = side
        self._untyped = untyped
        self._rest = bytearray()

    def typed(self) -> None:
        """From here on every message begins with its type byte."""
        self._untyped = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Takes what arrived and yields the messages that are whole, header included, as they came."""
        self._rest += data
        while (size := self._size()) is not None and size <= len(self._rest):
            message = bytes(self._rest[:size])
            del self._rest[:size]
            yield message

    def _size(self) -> int | None:
        header = 4 if self._untyped else 5
        if len(self._rest) < header:
            return None
        length: int = struct.unpack_from("!I", self._rest, header - 4)[0]
        if length < 4 or length > (_MAX_STARTUP if self._untyped else _MAX_MESSAGE):
            raise WireError(f"{self._side} sent a message of impossible length {length}; it does not speak Postgres")
        return length if self._untyped else length + 1


def startup_code(message: bytes) -> int:
    """Returns the protocol version or request code of an untyped message; raises WireError for a shorter one."""
    if len(message) < 8:
        raise WireError("the client's first packet is shorter than any Postgres startup message")
    code: int = struct.unpack_from("!I", message, 4)[0]
    return code


def error_response(code: str, text: str, severity: str = "ERROR") -> bytes:
    """Returns an ErrorResponse with an SQLSTATE of five characters."""
    fields = b"".join(
        kind + value.encode() + b"\0"
        for kind, value in ((b"S", severity), (b"V", severity), (b"C", code), (b"M", text))
    )
    return b"E" + struct.pack("!I", len(fields) + 5) + fields + b"\0"


def ready(status: bytes = b"I") -> bytes:
    """Returns a ReadyForQuery; status is I (idle), T (in a transaction) or E (in a failed one)."""
    return b"Z" + struct.pack("!I", 5) + status


def query(text: str) -> bytes:
    """Returns a simple Query."""
    body = text.encode() + b"\0"
    return b"Q" + struct.pack("!I", len(body) + 4) + body
