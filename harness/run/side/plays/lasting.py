"""A play in which an activity takes longer than a lease lasts, by every clock. Calls engines, and sleeps.

It is idle most of the time, so a run plays it beside everything else: see `cutover.harness.run.side.background`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Final, cast

import psycopg

from cutover.engines.errors import ExecutionHeld, LeaseLost
from cutover.engines.sqlfiles import sql
from cutover.harness.record.plays import PlayRecord
from cutover.harness.run.side.plays.measuring import measure
from cutover.harness.run.side.plays.performance import Performance, PlayStage
from cutover.harness.run.side.plays.sessions import end_sessions, sessions
from cutover.harness.run.side.plays.sharing import placed
from cutover.harness.run.side.plays.workflows import chain
from cutover.harness.run.world.clock import PassingClock

__all__ = ["IDLE", "LASTING"]

IDLE: Final = 1 / 5
"""How long the worker has nothing to do, as a share of the activity's time: longer than a lease goes unrenewed."""

_SCHEMA: Final = "leased"
_CUT_AT: Final = 8
"""After which question sessions end: a lease of 30 s was renewed by then, and is over before the last question."""
_ASKED: Final = 22
"""How often another worker asks for the execution: every three seconds, also when a lease of 30 s would be over."""


def long(stage: PlayStage) -> Iterator[PlayRecord]:
    """An activity outlasts a lease in real time, and another worker asks for the execution, also after that.

    The worker has run another execution before, as has a neighbour in its process that is closed by now, and then had
    nothing to do for a while. Inside the activity another neighbour runs an execution. All connections name a schema,
    that of the lease too.
    """
    others = sessions(stage.dsn)
    stage = placed(stage, _SCHEMA)
    stage.install(stage.engine())
    engine, name = stage.engine(), "in an activity that outlasts a lease"
    for each in (engine, neighbour := stage.engine()):
        Performance(stage, chain("short", "pack"), each, check="CONC", name=name, clock=PassingClock()).start()
    stage.close_one(neighbour)
    time.sleep(stage.lasts_s * IDLE)
    play = Performance(stage, chain("long", "pack", "ship"), engine, check="CONC", name=name, clock=PassingClock())
    took_s: list[float] = []
    play.flight.at_first_call = partial(_ask_meanwhile, play, stage, others, took_s)
    play.start()
    play.finish()
    measure(play, "pack", sum(took_s) * 1_000)
    yield play.play()
    stage.close()


def _ask_meanwhile(play: Performance, stage: PlayStage, spared: set[int], took_s: list[float]) -> None:
    """Asks until the activity has lasted so long or the other worker is let in; adds how long that was.

    First a neighbour runs an execution of its own, which has nothing to do with the lease of this one.

    After a while the sessions end that the worker has used since it went into the activity: what keeps the execution
    meanwhile must outlive a lost connection. Those that it has not used, it cannot know of; `spared` are others'.
    """
    Performance(
        stage, chain("inside", "pack", "ship"), stage.engine(), check="CONC", name="inside", clock=PassingClock()
    ).start()
    began, since, there = time.monotonic(), _now(stage.dsn), sessions(stage.dsn)
    other = stage.engine()
    spared = spared | sessions(stage.dsn) - there
    for turn in range(1, _ASKED + 1):
        passed_s = stage.lasts_s * turn / _ASKED
        time.sleep(max(0.0, began + passed_s - time.monotonic()))
        there = sessions(stage.dsn)
        if not play.refused(
            f"resume() by another worker, {passed_s:g} s of real time into an activity",
            partial(other.resume, play.id),
            ExecutionHeld,
            LeaseLost,
            or_idle=True,
        ):
            break
        spared |= sessions(stage.dsn) - there
        if turn == _CUT_AT:
            end_sessions(stage.dsn, spared, since)
    took_s.append(time.monotonic() - began)


def _now(dsn: str) -> datetime:
    with psycopg.connect(dsn, autocommit=True) as connection:
        [[now]] = connection.execute(sql("cutover.harness.run.trials", "server_time")).fetchall()
    return cast("datetime", now).replace(tzinfo=UTC)


LASTING = (long,)
