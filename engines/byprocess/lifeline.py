"""A process that ends with the one that started it. Asks the kernel.

What is in this module is in the memory of every process that hosts an engine, so it imports next to nothing.
"""

from __future__ import annotations

import ctypes
import os
import signal
from typing import Final

__all__ = ["die_with_parent"]

_PR_SET_PDEATHSIG: Final = 1
_LIBC: Final = ctypes.CDLL(None)


def die_with_parent(number: signal.Signals, parent: int) -> None:
    """Has the kernel send this process the signal once its parent, of that process id, is gone, or at once if it is."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:
        os.kill(os.getpid(), number)
