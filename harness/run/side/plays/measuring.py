"""Plays in which attempts and commits take real time, and what an engine says of how long they took.

Calls engines, sleeps, and holds a lock.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from threading import Event, Thread
from typing import Final

import psycopg

from cutover.engines.api import ActivityNode, RetryPolicy
from cutover.engines.sqlfiles import sql
from cutover.harness.record.plays import MEASURED, MEASURED_COMMIT, PlayRecord
from cutover.harness.run.side.plays.performance import Performance, PlayStage
from cutover.harness.run.side.plays.workflows import chain
from cutover.scenarios.model import Response

__all__ = ["MEASURING", "measure"]

_HERE: Final = "cutover.harness.run.side.plays"
_FIRST_S: Final = 0.25
_HELD_S: Final = 0.3
"""How long a commit is held up, from when it was seen to wait."""
_LEAST_MS: Final = 100.0
"""What it must say at least: an engine that gives up waiting and sends it again may mean the last time alone."""
_PATIENCE_S: Final = 2.0
"""For a commit to come."""


def measured(stage: PlayStage) -> Iterator[PlayRecord]:
    """The first attempt takes long and fails, the second is quick: a step's duration is that of all its attempts."""
    scenario = chain("measured", ActivityNode(id="pack", activity="pack", retry=RetryPolicy(max_retries=1)), "ship")
    answers = (Response(error="busy"), Response(output="packed"))
    scenario = replace(scenario, world={**scenario.world, "pack": answers})
    play = Performance(stage, scenario, stage.engine(), check="DATA", name="a first attempt that takes long")
    play.flight.at_first_call = partial(time.sleep, _FIRST_S)
    play.start()
    play.finish()
    measure(play, "pack", _FIRST_S * 1_000)
    yield play.play()


def measure(play: Performance, step_id: str, least_ms: float) -> None:
    """Looks whether the engine's metric of a step is at least so long, where the engine keeps metrics."""

    def look() -> None:
        for metric in play.drive.journal.metrics if play.drive.journal is not None else ():
            if metric.step_id == step_id and metric.duration_ms < least_ms:
                raise ValueError(f"{metric.duration_ms:g} ms, and its activity took over {least_ms:g} ms")

    play.ask(MEASURED, look)


def held_up(stage: PlayStage) -> Iterator[PlayRecord]:
    """Somebody keeps a checkpoint from being written: its duration says so, and is not only that of the sending."""
    scenario = chain("held-up", "pack", "weigh", "ship", "bill")
    play = Performance(stage, scenario, stage.engine(), check="DATA", name="a checkpoint that has to wait")
    holder = _Holder(stage.dsn)
    play.flight.at_first_call = holder.hold
    play.start()
    play.finish()
    holder.join()
    if holder.held:
        play.ask(MEASURED_COMMIT, partial(_look_at_commits, play, len(scenario.workflow.nodes) - 1))
    yield play.play()


def _look_at_commits(play: Performance, activities: int) -> None:
    """Raises ValueError where no checkpoint took as long as one had to wait.

    Where there are fewer checkpoints than activities, the one that waited may be the last, of which no other tells.
    """
    rows = () if play.drive.journal is None else play.drive.journal.checkpoints
    told = [row.duration_ms for row in rows if row.duration_ms is not None]
    if told and len(rows) >= activities and max(told) < _LEAST_MS:
        raise ValueError(f"{max(told):g} ms at most, and one had to wait for over {_HELD_S * 1_000:g} ms")


class _Holder:
    """Holds the table of checkpoints until somebody has waited for it; `held` says that somebody has."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._ready = Event()
        self._thread = Thread(target=self._run, daemon=True)
        self.held = False

    def hold(self) -> None:
        """Returns as soon as the table is held, or cannot be: there is none, or somebody else holds it."""
        self._thread.start()
        self._ready.wait()

    def join(self) -> None:
        """Waits until it is held no longer."""
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        try:
            with psycopg.connect(self._dsn) as connection:
                connection.execute(sql(_HERE, "lock_checkpoints"))
                self._ready.set()
                if self._is_waited_for(connection):
                    Event().wait(_HELD_S)
                    self.held = True
        except psycopg.Error:
            self.held = False
        finally:
            self._ready.set()

    def _is_waited_for(self, connection: psycopg.Connection) -> bool:
        end = time.monotonic() + _PATIENCE_S
        while time.monotonic() < end:
            row = connection.execute(sql(_HERE, "waits_for_checkpoints")).fetchone()
            if row is not None and row[0]:
                return True
            Event().wait(0.005)
        return False


MEASURING = (measured, held_up)
