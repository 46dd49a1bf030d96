"""Dates the rows of executions back, for as long as it takes to see what that does. Reads and writes public tables."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from datetime import timedelta

import psycopg

from cutover.engines.sqlfiles import sql
from cutover.harness.run.postgres.public_tables import EXECUTIONS, STEPS, public_tables
from cutover.harness.run.side.plays.performance import Performance

__all__ = ["aged"]


@contextlib.contextmanager
def aged(dsn: str, plays: Sequence[Performance], by: timedelta) -> Iterator[bool]:
    """Makes the executions older until the block ends; yields whether they are in the public tables at all.

    Meanwhile later reads are compared with the journal as it is with the older rows.
    """
    old = _date_back(dsn, plays, by)
    if old:
        for play in plays:
            play.aged()
    yield old
    if old:
        _date_back(dsn, plays, -by)
        for play in plays:
            play.restored()


def _date_back(dsn: str, plays: Sequence[Performance], by: timedelta) -> bool:
    ids = [play.id for play in plays]
    with contextlib.suppress(psycopg.Error), psycopg.connect(dsn, autocommit=True) as connection:
        if not {EXECUTIONS, STEPS} <= public_tables(connection):
            return False
        for table in ("executions", "steps"):
            connection.execute(sql("cutover.harness.run.side.plays", f"age_{table}"), {"ids": ids, "by": by})
        return True
    return False
