"""Whether a worker is still at work, for engines that have no lease. Does I/O: a session of Postgres's own.

A worker holds a lock for as long as its session lasts, so that its death, wherever it runs, frees it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg.errors import LockNotAvailable

from cutover.engines.sqlfiles import sql

__all__ = ["at_work", "is_at_work"]


@contextmanager
def at_work(dsn: str, worker: str) -> Iterator[None]:
    """Inside the block the worker of that name is at work; no two have one name."""
    with psycopg.connect(dsn, autocommit=True) as session:
        session.execute(sql("cutover.engines.kit", "worker_begins"), (worker,))
        yield


def is_at_work(dsn: str, worker: str) -> bool:
    """Whether the worker's session lasts; waits a second for one that is ending."""
    with psycopg.connect(dsn, autocommit=True) as session:
        session.execute(sql("cutover.engines.kit", "worker_waits"))
        try:
            session.execute(sql("cutover.engines.kit", "worker_begins"), (worker,))
        except LockNotAvailable:
            return True
    return False
