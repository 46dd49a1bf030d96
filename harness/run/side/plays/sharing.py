"""Plays of a shared database: a schema of its own, locks that others hold, sessions that end. Calls engines; I/O."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from threading import Event, Thread
from typing import Final

import psycopg
from psycopg import sql as sql_parts
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from cutover.engines.api import Signal
from cutover.engines.sqlfiles import sql
from cutover.harness.record.plays import PlayRecord
from cutover.harness.run.side.plays.performance import Performance, PlayStage
from cutover.harness.run.side.plays.sessions import end_sessions, sessions
from cutover.harness.run.side.plays.workflows import chain, signals, wait

__all__ = ["PLACING", "SHARING", "placed"]

_HERE: Final = "cutover.harness.run.side.plays"
_SCHEMA: Final = "tenant"
_LOCKED_S: Final = 1.0
"""How long somebody else holds the tables: as long as an index takes to be made on a small one."""
_LOCK_MS: Final = 5_000


def elsewhere(stage: PlayStage) -> Iterator[PlayRecord]:
    """The connection names a schema by its options: the tables are made there, and are left to be vacuumed."""
    before = _tables(stage.dsn)
    there = placed(stage, _SCHEMA)
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


def placed(stage: PlayStage, name: str) -> PlayStage:
    """Returns a stage whose connections name a schema by their options, made anew, in which there are no tables."""
    schema = sql_parts.Identifier(name)
    with psycopg.connect(stage.dsn, autocommit=True) as connection:
        connection.execute(sql_parts.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(schema))  # of another engine's play
        connection.execute(sql_parts.SQL("CREATE SCHEMA {}").format(schema))
    given = conninfo_to_dict(stage.dsn).get("options") or ""
    return replace(stage, dsn=make_conninfo(stage.dsn, options=f"{given} -c search_path={name}".strip()))


def _look(dsn: str, before: set[tuple[str, str]]) -> None:
    """Raises ValueError for tables that were made or used in the schema public, or that are never vacuumed."""
    made = _tables(dsn) - before
    if strays := sorted(f"{schema}.{name}" for schema, name in made if schema == "public"):
        raise ValueError(f"{', '.join(strays[:3])} were made outside it")
    if not made:
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
    scenario, refusals = chain("locked", "pack", "ship"), list[str]()
    play = Performance(stage, scenario, stage.engine(), check="RESUME", name="while an index is made")
    play.flight.at_first_call = partial(_lock_for_a_while, stage.dsn, refusals)
    play.start()
    play.finish()
    play.ask("a lock on all tables that is asked for while an activity runs", partial(_got_it, refusals))
    yield play.play()


def _lock_for_a_while(dsn: str, refusals: list[str]) -> None:
    """Returns as soon as the tables are locked, or cannot be, which is added to `refusals`."""
    ready = Event()
    Thread(target=_hold, args=(dsn, ready, refusals), daemon=True).start()
    ready.wait()


def _hold(dsn: str, ready: Event, refusals: list[str]) -> None:
    try:
        with psycopg.connect(dsn) as connection:
            names = [sql_parts.Identifier(*each) for each in connection.execute(sql(_HERE, "all_tables"))]
            timeout = sql_parts.SQL("SET lock_timeout = {}").format(sql_parts.Literal(_LOCK_MS))
            connection.execute(timeout)
            connection.execute(sql_parts.SQL("LOCK TABLE {} IN SHARE MODE").format(sql_parts.SQL(", ").join(names)))
            ready.set()
            Event().wait(_LOCKED_S)
    except psycopg.Error as error:
        refusals.append(str(error).splitlines()[0])
    finally:
        ready.set()


def _got_it(refusals: list[str]) -> None:
    """Raises ValueError where it was not to be had: then nothing was seen of what a commit does meanwhile."""
    if refusals:
        raise ValueError(f"it was not granted within {_LOCK_MS / 1_000:g} s: {refusals[0]}")


def idle_cut(stage: PlayStage) -> Iterator[PlayRecord]:
    """The server ends all sessions while nothing runs, as poolers do: the worker may fail once, and goes on then."""
    scenario = chain("idle-cut", "pack", wait("a", "go"), "ship", sent=signals("go"))
    others = sessions(stage.dsn)
    play = Performance(stage, scenario, engine := stage.engine(), check="RESUME", name="after its sessions had ended")
    play.start()
    sent = scenario.signals[0]
    for command in (
        partial(engine.resume, play.id, Signal(id=sent.id, name=sent.name, payload=sent.payload)),
        partial(engine.journal, play.id),
    ):
        end_sessions(stage.dsn, others)
        with play.flown(), contextlib.suppress(Exception):
            command()
    play.send("s1-go")
    play.finish()
    yield play.play()


PLACING = (elsewhere,)
"""Those that need a database without tables."""
SHARING = (locked, idle_cut)
