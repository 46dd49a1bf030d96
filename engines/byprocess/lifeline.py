"""A process that ends with the one that started it, and those that this one has started. Asks the kernel.

What is in this module is in the memory of every process that hosts an engine, so it imports next to nothing.
"""

from __future__ import annotations

import ctypes
import os
import signal
from typing import Final

__all__ = ["die_with_parent", "note_ended", "note_started", "started_here"]

_PR_SET_PDEATHSIG: Final = 1
_LIBC: Final = ctypes.CDLL(None)
_started: set[int] = set()


def die_with_parent(number: signal.Signals, parent: int) -> None:
    """Has the kernel send this process the signal once its parent, of that process id, is gone, or at once if it is."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:
        os.kill(os.getpid(), number)


def started_here() -> frozenset[int]:
    """Returns the ids of the engines' processes that this one has started and not ended yet."""
    return frozenset(_started)


def note_started(pid: int) -> None:
    """Takes note of an engine's process."""
    _started.add(pid)


def note_ended(pid: int) -> None:
    """Takes note of its end."""
    _started.discard(pid)
