"""What the machine and its server needed for next to nothing, while a run was made. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = ["MachineReading", "ReadingMoment"]

ReadingMoment: TypeAlias = Literal["before", "between", "after"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineReading:
    """One reading: before the parts of a run, while one of them (`part`) was played, or after them.

    `round_trip_ms` is a statement without tables, `commit_ms` a commit that waits for the log and changes nothing,
    `fork_ms` a process that does nothing, from its start to its end, `delay_ms` how much too late a process wakes that
    sleeps for a millisecond. `connections_free` is how many more sessions the server would have taken.
    """

    moment: ReadingMoment
    round_trip_ms: float
    commit_ms: float
    fork_ms: float
    delay_ms: float
    connections_free: int
    part: str = ""
