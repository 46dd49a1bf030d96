"""Which statements a connection keeps prepared on the server, by what its client asks for. Pure but for memory.

Source: the PostgreSQL manual, "Message Formats" (Parse, Close, Query), PREPARE, DEALLOCATE and DISCARD.
"""

from __future__ import annotations

import re
from typing import Final

from cutover.harness.run.proxy.wire import messages_in

__all__ = ["PreparedNames"]

_PARSE, _CLOSE, _QUERY, _BIND = b"P", b"C", b"Q", b"B"
_NAME: Final = rb'\s+("(?:[^"]|"")+"|\w+)'
_PREPARE: Final = re.compile(rb"\s*PREPARE" + _NAME, re.IGNORECASE)
_DEALLOCATE: Final = re.compile(rb"\s*DEALLOCATE(?:\s+PREPARE)?" + _NAME, re.IGNORECASE)
_DISCARD: Final = re.compile(rb"\s*DISCARD\s+ALL\b", re.IGNORECASE)


class PreparedNames:
    """The names that one connection has prepared and not closed; one that the server refused is in it, too."""

    def __init__(self) -> None:
        self._names: set[bytes] = set()
        self._texts: dict[bytes, bytes] = {}

    def __len__(self) -> int:
        return len(self._names)

    def take(self, message: bytes) -> None:
        """Takes in one message of the client, whole and with its header."""
        kind, body = message[:1], message[5:]
        if kind == _PARSE:
            name, _, rest = body.partition(b"\0")
            if name:
                self._names.add(name)
            self._texts[name] = rest.partition(b"\0")[0]
            self._told(rest)
        elif kind == _CLOSE and body[:1] == b"S":
            self._names.discard(body[1:].partition(b"\0")[0])
        elif kind == _QUERY:
            self._told(body)

    def statements(self, request: bytes) -> tuple[bytes, ...]:
        """Returns the texts of what a request carries out, whether they are in it or were prepared before.

        Of one that only prepares it is what it prepares. The messages have been taken in.
        """
        carried, parsed = list[bytes](), list[bytes]()
        for kind, body in messages_in(request):
            if kind == _QUERY:
                carried.append(body.partition(b"\0")[0])
            elif kind == _BIND:
                carried.append(self._texts.get(body.partition(b"\0")[2].partition(b"\0")[0], b""))
            elif kind == _PARSE:
                parsed.append(body.partition(b"\0")[2].partition(b"\0")[0])
        return tuple(carried or parsed)

    def _told(self, text: bytes) -> None:
        """Reads what SQL itself says of prepared statements; only at the beginning of the text, as drivers send it."""
        if found := _PREPARE.match(text):
            self._names.add(_bare(found[1]))
        elif found := _DEALLOCATE.match(text):
            if found[1].upper() == b"ALL":
                self._names.clear()
            else:
                self._names.discard(_bare(found[1]))
        elif _DISCARD.match(text):
            self._names.clear()


def _bare(name: bytes) -> bytes:
    return name[1:-1].replace(b'""', b'"') if name[:1] == b'"' else name.lower()
