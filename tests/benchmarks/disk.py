"""What one flush of this disk costs: the floor under every durable step. Does I/O."""

from __future__ import annotations

import os
import statistics
import tempfile
import time

__all__ = ["flush_us"]

_PAGE = b"\0" * 8192
_TIMES = 200


def flush_us() -> float:
    """The median of fdatasync after an 8 kB write, as Postgres flushes its log; microseconds, in the temporary folder.

    That is where the embedded server keeps its data; with another server it is only a hint.
    """
    with tempfile.TemporaryFile() as file:
        file.write(_PAGE)
        samples = []
        for _ in range(_TIMES):
            os.pwrite(file.fileno(), _PAGE, 0)
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            samples.append((time.perf_counter() - began) * 1e6)
    return statistics.median(samples)
