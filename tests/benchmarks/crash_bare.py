"""The bare cost of a crash: fork, connect, SIGKILL; fork, connect again. Prints its cycles a second. Does I/O."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from functools import partial

import psycopg

__all__ = ["main", "once"]


def main() -> None:
    """Arguments: a URL, and how long to go on (s)."""
    url, seconds = sys.argv[1], float(sys.argv[2])
    count, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        for _ in range(2):
            once(partial(_reach, url))
        count += 1
    sys.stdout.write(f"{count / (time.perf_counter() - began)}\n")


def _reach(url: str) -> psycopg.Connection[tuple[object, ...]]:
    """A connection that has answered, kept until its process dies."""
    connection = psycopg.connect(url, autocommit=True)
    connection.execute("SELECT 1")
    return connection


def once(work: Callable[[], object]) -> None:
    """A process that works until it is killed, by itself or when it is done."""
    told, tell = os.pipe()
    child = os.fork()
    if not child:
        kept = work()  # what it holds, such as a connection, is held until the end
        os.write(tell, b"x")
        signal.pause()
        del kept
    os.close(tell)
    os.read(told, 1)
    os.close(told)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


if __name__ == "__main__":
    main()
