"""Writes a file whole or not at all: beside its place, then by a rename. Does I/O."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

__all__ = ["write_whole"]


def write_whole(file: Path, content: str | bytes, *, synced: bool = True) -> None:
    """Writes a file, so that at any moment it is the old one or the whole new one. Raises OSError, which names it.

    What is no ordinary file, such as a pipe or /dev/stdout, is written as it is; a link's target is replaced, and the
    link stays. The new file has the rights of the old one. `synced` waits for the disk.
    """
    raw = content.encode() if isinstance(content, str) else content
    place = Path(os.path.realpath(file))
    if place.exists() and not place.is_file():
        file.write_bytes(raw)
        return
    draft = place.with_name(f".{place.name[:100]}.{secrets.token_hex(4)}")
    try:
        with draft.open("xb") as stream:
            if place.exists():
                os.fchmod(stream.fileno(), place.stat().st_mode & 0o777)
            stream.write(raw)
            stream.flush()
            if synced:
                os.fsync(stream.fileno())
        draft.replace(place)
    except BaseException as error:
        with contextlib.suppress(OSError):
            draft.unlink()
        if isinstance(error, OSError):
            raise type(error)(error.errno, error.strerror, str(file)) from error  # the user knows nothing of the draft
        raise
