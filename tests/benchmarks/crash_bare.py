"""The bare cost of a crash: fork, connect, SIGKILL; fork, connect again. Prints its cycles a second. Does I/O."""

from __future__ import annotations

import os
import signal
import sys
import time

import psycopg

__all__ = ["main"]


def main() -> None:
    """Arguments: a URL, and how long to go on (s)."""
    url, seconds = sys.argv[1], float(sys.argv[2])
    count, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        for _ in range(2):
            _once(url)
        count += 1
    sys.stdout.write(f"{count / (time.perf_counter() - began)}\n")


def _once(url: str) -> None:
    """A process that reaches Postgres, and is killed."""
    told, tell = os.pipe()
    child = os.fork()
    if not child:
        connection = psycopg.connect(url, autocommit=True)
        connection.execute("SELECT 1")
        os.write(tell, b"x")
        signal.pause()
    os.close(tell)
    os.read(told, 1)
    os.close(told)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


if __name__ == "__main__":
    main()
