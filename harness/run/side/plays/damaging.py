"""A play of checkpoints that somebody has changed at rest: by hand, or by a disk. Calls engines, and writes to tables.

An engine that reads its checkpoints must see it and leave the execution as it is; one that keeps them for people alone
goes on as if nothing were. One that keeps none in the public table is not played.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Final

import psycopg

from cutover.engines.sqlfiles import sql
from cutover.harness.record.plays import DAMAGED, PlayRecord
from cutover.harness.run.side.plays.performance import Performance, PlayStage
from cutover.harness.run.side.plays.workflows import chain, signals, wait

__all__ = ["DAMAGING"]

_HERE: Final = "cutover.harness.run.side.plays"
_DAMAGE: Final[Mapping[str, str]] = {
    "damage_newest_state": "the newest one says otherwise",
    "damage_older_state": "an older one says otherwise",
    "damage_empty_state": "the newest one says nothing",
    "damage_checksum": "the newest one has another checksum",
    "damage_schema_version": "the newest one is of a later schema",
    "damage_newest_row": "the newest one is gone",
    "damage_first_row": "the first one is gone",
}
"""What becomes of an execution's checkpoints, by the statement that does it."""


def damaged(stage: PlayStage) -> Iterator[PlayRecord]:
    """An execution waits, its checkpoints are changed, and its signal comes."""
    scenario = chain("damaged", "check", "pack", wait("a", "go"), "ship", sent=signals("go"))
    for statement, what in _DAMAGE.items():
        play = Performance(stage, scenario, stage.engine(), check="CKPT", name=f"checkpoints, {what}")
        play.start()
        if _damage(stage.dsn, play, statement):
            play.by(stage.engine())
            play.after_damage(f"{DAMAGED}: {what}", "s1-go")
            yield play.play()


def _damage(dsn: str, play: Performance, statement: str) -> bool:
    """Changes one of its checkpoints; says whether there was one that could be changed so."""
    with contextlib.suppress(psycopg.Error), psycopg.connect(dsn, autocommit=True) as connection:
        return connection.execute(sql(_HERE, statement), {"id": play.id}).rowcount == 1
    return False


DAMAGING = (damaged,)
