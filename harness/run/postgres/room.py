"""How many connections a server has left, and how many a run needs. Reads Postgres."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import psycopg

from cutover.engines.sqlfiles import sql
from cutover.harness.errors import EnvironmentProblem

__all__ = ["Room", "needed", "require_room", "require_room_for_runners", "room_of", "runners_that_fit"]

_A_WORKER: Final = 9
"""Sessions of a worker of trials at the least: four engines', their four observers', and a companion's engine's."""
_A_RUNNER: Final = 5
"""Sessions of a runner of crash cases: its own two, and those of three workers."""
_BESIDE: Final = 6
"""Those of the run itself and of what is played beside its trials."""


@dataclass(frozen=True, slots=True)
class Room:
    """Sessions that the role may have at once, those that runs have there, and those of others."""

    most: int
    ours: int
    others: int

    @property
    def free(self) -> int:
        """How many more there may be."""
        return max(0, self.most - self.ours - self.others)


def room_of(connection: psycopg.Connection[Any]) -> Room:
    """Returns the room on the server of a connection, which counts itself."""
    row = connection.execute(sql("cutover.harness.run.postgres", "room")).fetchone()
    if row is None:
        raise AssertionError
    return Room(*row)


def needed(workers: int, *, each: int = _A_WORKER) -> int:
    """Returns how many sessions so many workers have at once, of engines that have one each."""
    return each * workers + _BESIDE


def require_room(connection: psycopg.Connection[Any], workers: int, *, each: int = _A_WORKER) -> None:
    """Raises EnvironmentProblem where a run would run out of connections, whatever its engines are."""
    room = room_of(connection)
    wanted = needed(workers, each=each)
    if room.free >= wanted:
        return
    fits = (room.free - _BESIDE) // each
    instead = f"give --workers {fits} or raise" if fits > 0 else "raise"
    raise EnvironmentProblem(
        f"Postgres allows {room.most} connections, {room.free} are free, and this run needs {wanted}: "
        f"{instead} max_connections"
    )


def require_room_for_runners(connection: psycopg.Connection[Any], runners: int) -> None:
    """Raises EnvironmentProblem where crash cases would run out of connections, whatever the engine is."""
    require_room(connection, runners, each=_A_RUNNER)


def runners_that_fit(connection: psycopg.Connection[Any], wanted: int) -> int:
    """Returns how many runners of crash cases there may be, at most those that are wanted and at least one."""
    return max(1, min(wanted, (room_of(connection).free - _BESIDE) // _A_RUNNER))
