"""Writes a file whole or not at all: beside its place, then by a rename. Does I/O."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

__all__ = ["naming", "write_whole"]


def write_whole(file: Path, content: str | bytes, *, synced: bool = True) -> None:
    """Writes a file, so that at any moment it is the old one or the whole new one. Raises OSError, which names it.

    What is no ordinary file, such as a pipe or /dev/stdout, is written as it is; a link's target is replaced, and the
    link stays. The new file has the rights of the old one. `synced` waits for the disk.
    """
    raw = content.encode() if isinstance(content, str) else content
    place = Path(os.path.realpath(file))
    if place.exists() and not place.is_file():
        with naming(file):
            file.write_bytes(raw)
        return
    draft = place.with_name(f".{_shortened(place.name)}.{secrets.token_hex(4)}")
    with naming(file), _gone_unless_done(draft):
        with draft.open("xb") as stream:
            if place.exists():
                os.fchmod(stream.fileno(), place.stat().st_mode & 0o777)
            stream.write(raw)
            stream.flush()
            if synced:
                os.fsync(stream.fileno())
        draft.replace(place)


@contextlib.contextmanager
def naming(file: Path) -> Iterator[None]:
    """Has an OSError name the file that the user knows: of a draft nobody does, and of a write there is no name."""
    try:
        yield
    except OSError as error:
        raise type(error)(error.errno, error.strerror, str(file)) from error


@contextlib.contextmanager
def _gone_unless_done(draft: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise


def _shortened(name: str) -> str:
    """Returns the beginning of a file's name: a name has as many bytes as the file system takes, and a draft's more."""
    return os.fsdecode(os.fsencode(name)[:100])
