"""How the life of our processes ends: with their parent, or killed from outside, and what then is removed. Does I/O.

What is in this module is in the memory of every process that hosts an engine; see `hosted.py`.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import stat
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final, Self

from cutover.harness.errors import EnvironmentProblem
from cutover.harness.run.process.mark import mark, mark_prefix, state_of

__all__ = [
    "FROM_OUTSIDE",
    "Closing",
    "discard_folders",
    "folder_prefix",
    "folders_left_behind",
    "killed_from_outside",
    "marked_folder",
    "refused_to_all",
    "socket_root",
]

FROM_OUTSIDE: Final = frozenset({signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT})
"""The signals by which somebody ends a process, as opposed to those by which it fails."""
_LONGEST: Final = 45
"""Bytes of the socket root's path: a socket's has at most 107, and 62 are for the folder and the socket in it."""


class Closing(ABC):
    """A context manager that is closed at the end of its block, whatever ends it."""

    @abstractmethod
    def close(self) -> None:
        """Frees all connections, descriptors and processes that it holds."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def killed_from_outside(what: str, number: int = signal.SIGKILL) -> EnvironmentProblem:
    """Returns the problem that ends the run; `what` names the process and its work, `number` the signal.

    Who caused it is not known: an engine that takes all memory, or another process. So it neither counts against the
    engine nor is ignored.
    """
    if number != signal.SIGKILL:
        return EnvironmentProblem(
            f"{what} was ended by {signal.Signals(number).name}, not by this run, perhaps by whoever ends what runs "
            "here; let it run to its end, and run again"
        )
    return EnvironmentProblem(
        f"{what} was killed by SIGKILL, not by this run, perhaps by the kernel for want of memory; "
        "see the kernel's log, free memory or give fewer --workers, and run again"
    )


def refused_to_all(refusal: str, where: str) -> EnvironmentProblem:
    """Returns the problem that ends the run where the server or the system has refused what any engine needs."""
    return EnvironmentProblem(
        f"{where}: the server or this machine refused what every engine needs ({refusal}), so nothing can be said of "
        "any engine; see that there is room, memory and connections, and run again"
    )


def socket_root() -> Path:
    """Returns the folder for temporary files, or /tmp where the path of a socket in there would be too long or odd.

    libpq reads a comma as one between several hosts, and Postgres takes no control characters.
    """
    root = str(Path(tempfile.gettempdir()).absolute())
    fit = len(os.fsencode(root)) <= _LONGEST and "," not in root and root.isprintable()
    return Path(root) if fit else Path("/tmp")  # noqa: S108 - see marked_folder


def marked_folder(root: Path | None = None) -> Path:
    """Makes a folder for sockets that only this user can enter; its name tells of which process it is."""
    return Path(tempfile.mkdtemp(prefix=folder_prefix(), dir=root or socket_root()))


def folder_prefix() -> str:
    """Returns how the names of this process's temporary folders begin, by which a later start finds what is left."""
    return f"cutover-{mark()}-"


def discard_folders(pid: int) -> None:
    """Removes the socket folders that a process left which has ended."""
    for folder in socket_root().glob(f"cutover-{mark_prefix(pid)}*"):
        shutil.rmtree(folder, ignore_errors=True)


def folders_left_behind(users: Collection[int]) -> Iterator[Path]:
    """Yields the temporary folders of these users whose process has ended on this machine."""
    for root in {socket_root(), Path(tempfile.gettempdir()), Path("/tmp")}:  # noqa: S108 - only looked at
        for folder in root.glob("cutover-*"):
            with contextlib.suppress(OSError):
                found = folder.lstat()
                if stat.S_ISDIR(found.st_mode) and found.st_uid in users and state_of(folder.name) == "gone":
                    yield folder
