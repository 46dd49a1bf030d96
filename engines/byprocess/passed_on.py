"""What an engine's process says on standard error: passed on, line by line, escaped and bounded. Does I/O."""

from __future__ import annotations

import os
from typing import IO, Final

__all__ = ["PassedOn", "escaped"]

_CHUNK: Final = 1 << 16
_MOST: Final = 256 * 1024
"""Bytes that are passed on of one process."""
_TAIL: Final = 2000
_SHOWN: Final = 500
_LONGEST: Final = 4096
"""A line that is longer is passed on in parts."""


def escaped(text: str) -> str:
    """Returns the text on one line: escapes in place of what a terminal would obey or hide, and no CI command."""
    signs = (
        sign if sign.isprintable() else sign.encode("unicode_escape", "backslashreplace").decode() for sign in text
    )
    return "".join(signs).replace("##", "# #")


class PassedOn:
    """The reading end of a process's standard error; `found` says that it has said what was `sought`, if anything."""

    def __init__(self, pipe: IO[bytes], pid: int, *, sought: bytes = b"") -> None:
        self._pipe, self._mark = pipe, f"engine {pid}| "
        self._sought, self.found = sought, False
        self._left, self._line, self._tail = _MOST, bytearray(), bytearray()
        os.set_blocking(pipe.fileno(), False)

    def fileno(self) -> int:
        """Returns the descriptor."""
        return self._pipe.fileno()

    def read(self) -> bool:
        """Passes on what has come; False where nothing will come any more."""
        while True:
            try:
                data = os.read(self._pipe.fileno(), _CHUNK)
            except BlockingIOError:
                return True
            except (OSError, ValueError):
                return False
            if not data:
                self._pass_on(b"\n" if self._line else b"")
                return False
            said = self._tail + data
            self.found = self.found or (bool(self._sought) and self._sought in said)
            self._tail = said[-_TAIL:]
            self._pass_on(data)

    def tail(self) -> str:
        """Returns the end of what it has said, on one line."""
        return escaped(" ".join(self._tail.decode("utf-8", "replace").split()))[-_SHOWN:]

    def close(self) -> None:
        """Closes it."""
        self._pipe.close()

    def _pass_on(self, data: bytes) -> None:
        if self._left <= 0:
            return
        self._line += data
        *lines, rest = self._line.split(b"\n")
        while len(rest) > _LONGEST:
            lines.append(rest[:_LONGEST])
            rest = rest[_LONGEST:]
        self._line = bytearray(rest)
        for line in lines:
            self._left -= len(line) + 1
            text = escaped(line.decode("utf-8", "replace")) if self._left > 0 else "(more is not shown)"
            os.write(2, f"{self._mark}{text}\n".encode("utf-8", "backslashreplace"))
            if self._left <= 0:
                return
