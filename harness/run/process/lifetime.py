"""How the life of our processes ends: with their parent, or killed from outside, and what then is removed. Does I/O.

What is in this module is in the memory of every process that hosts an engine; see `hosted.py`.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import tempfile
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Final, Self

from cutover.harness.errors import EnvironmentProblem

__all__ = [
    "Closing",
    "die_with_parent",
    "discard_sockets",
    "killed_from_outside",
    "refused_to_all",
    "socket_folder",
    "socket_root",
]

_PR_SET_PDEATHSIG: Final = 1
_LIBC: Final = ctypes.CDLL(None)
_LONGEST: Final = 64
"""Bytes of the socket root's path: a socket's has at most 107, and 39 are for the folder and the socket in it."""


class Closing(ABC):
    """A context manager that is closed at the end of its block, whatever ends it."""

    @abstractmethod
    def close(self) -> None:
        """Frees all connections, descriptors and processes that it holds."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def die_with_parent(number: signal.Signals, parent: int) -> None:
    """Has the kernel send this process the signal once its parent, of that process id, is gone, or at once if it is."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:
        os.kill(os.getpid(), number)


def killed_from_outside(what: str) -> EnvironmentProblem:
    """Returns the problem that ends the run; `what` names the process and its work.

    Who caused a SIGKILL is not known: an engine that takes all memory, or another process. So it neither counts against
    the engine nor is ignored.
    """
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
    """Returns the folder for temporary files, or /tmp where the path of a socket in there would be too long."""
    root = tempfile.gettempdir()
    fit = len(os.fsencode(root)) <= _LONGEST and "," not in root  # which libpq reads as several hosts
    return Path(root) if fit else Path("/tmp")  # noqa: S108 - see socket_folder


def socket_folder() -> Path:
    """Makes a folder for sockets that only this user can enter; its name tells of which process it is."""
    return Path(tempfile.mkdtemp(prefix=f"cutover-{os.getpid()}-", dir=socket_root()))


def discard_sockets(pid: int) -> None:
    """Removes the socket folders that a process left which has ended."""
    for folder in socket_root().glob(f"cutover-{pid}-*"):
        shutil.rmtree(folder, ignore_errors=True)
