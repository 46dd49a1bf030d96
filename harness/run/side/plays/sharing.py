"""Plays of a database that an engine shares with others: the schema it is given, and locks that others hold. I/O."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import partial
from threading import Event, Thread
from typing import Final

import psycopg
from psycopg import sql as sql_parts
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from cutover.engines.sqlfiles import sql
from cutover.harness.record.plays import PlayRecord
from cutover.harness.run.side.plays.performance import Performance, PlayStage
from cutover.harness.run.side.plays.workflows import chain, signals, wait

__all__ = ["PLACING", "SHARING"]

_HERE: Final = "cutover.harness.run.side.plays"
_SCHEMA: Final = "tenant"
_LOCKED_S: Final = 1.0
"""How long somebody else holds the tables: as long as an index takes to be made on a small one."""
_READY_S: Final = 6.0


def elsewhere(stage: PlayStage) -> Iterator[PlayRecord]:
    """The connection names a schema by its options: the tables are made there, and are left to be vacuumed."""
    with psycopg.connect(stage.dsn, autocommit=True) as connection:
        connection.execute(sql_parts.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql_parts.Identifier(_SCHEMA)))
    before = _tables(stage.dsn)
    given = conninfo_to_dict(stage.dsn).get("options") or ""
    there = PlayStage(
        make_conninfo(stage.dsn, options=f"{given} -c search_path={_SCHEMA}".strip()), stage.seed, stage.factories
    )
    engine = there.engine()
    there.install(engine)
    scenario = chain("elsewhere", "pack", wait("a", "go"), "ship", sent=signals("go"))
    play = Performance(there, scenario, engine, check="INSTALL", name="in the schema that its connection names")
    play.start()
    play.by(there.engine())
    play.finish()
    play.ask("install() in that schema", partial(_look, stage.dsn, before))
    yield play.play()
    there.close()


def _look(dsn: str, before: set[tuple[str, str]]) -> None:
    """Raises ValueError for tables that were made or used in the schema public, or that are never vacuumed."""
    made = _tables(dsn) - before
    if strays := sorted(f"{schema}.{name}" for schema, name in made if schema == "public"):
        raise ValueError(f"{', '.join(strays[:3])} were made outside it")
    if not made and not any(schema == _SCHEMA for schema, _ in before):
        raise ValueError("no table was made in it")
    with psycopg.connect(dsn, autocommit=True) as connection:
        unswept = [name for (name,) in connection.execute(sql(_HERE, "unswept_tables"))]
    if unswept:
        raise ValueError(f"autovacuum is turned off for {', '.join(unswept[:3])}")


def _tables(dsn: str) -> set[tuple[str, str]]:
    """Every table's schema and name."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        return {(schema, name) for schema, name in connection.execute(sql(_HERE, "all_tables"))}


def locked(stage: PlayStage) -> Iterator[PlayRecord]:
    """Somebody holds all tables for a second, as whoever makes an index does: a commit has to wait, and no more."""
    scenario = chain("locked", "pack", "ship")
    play = Performance(stage, scenario, stage.engine(), check="RESUME", name="while an index is made")
    play.flight.at_first_call = partial(_lock_for_a_while, stage.dsn)
    play.start()
    play.finish()
    yield play.play()


def _lock_for_a_while(dsn: str) -> None:
    """Returns as soon as the tables are locked, or cannot be."""
    ready = Event()
    Thread(target=_hold, args=(dsn, ready), daemon=True).start()
    ready.wait(_READY_S)


def _hold(dsn: str, ready: Event) -> None:
    with contextlib.suppress(psycopg.Error), psycopg.connect(dsn) as connection:
        names = [sql_parts.Identifier(*each) for each in connection.execute(sql(_HERE, "all_tables"))]
        try:
            connection.execute(sql_parts.SQL("LOCK TABLE {} IN SHARE MODE").format(sql_parts.SQL(", ").join(names)))
        finally:
            ready.set()
        Event().wait(_LOCKED_S)


PLACING = (elsewhere,)
"""Those that need a database without tables."""
SHARING = (locked,)
