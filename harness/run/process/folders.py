"""Where folders with a socket in them stand. Does I/O."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

__all__ = ["discard_sockets", "socket_folder", "socket_root"]

_LONGEST: Final = 64
"""Bytes of the root's path: a socket's has at most 107, and 39 are for the folder and the socket in it."""


def socket_root() -> Path:
    """The folder for temporary files, or /tmp where the path of a socket in there would be too long."""
    root = tempfile.gettempdir()
    return Path(root) if len(os.fsencode(root)) <= _LONGEST else Path("/tmp")  # noqa: S108 - see socket_folder


def socket_folder() -> Path:
    """A new folder that only this user can enter, and that tells of which process it is."""
    return Path(tempfile.mkdtemp(prefix=f"cutover-{os.getpid()}-", dir=socket_root()))


def discard_sockets(pid: int | None) -> None:
    """Removes what a process that has ended left of such folders."""
    for folder in socket_root().glob(f"cutover-{pid}-*"):
        shutil.rmtree(folder, ignore_errors=True)
