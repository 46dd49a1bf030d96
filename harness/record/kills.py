"""How soon a default run kills a mutant: in which part, after how many cases, for each seed. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from statistics import median

__all__ = ["PlayedPart", "RunFate", "RunKill", "RunKillMatrix"]


class PlayedPart(StrEnum):
    """The parts of a run, in their order; each counts what it plays in cases of its own.

    Trials; executions read again; executions that the router served; engines that were weighed; executions of plays;
    rungs of the ladder of costs; crash cases.
    """

    TRIALS = "trials"
    REREADS = "rereads"
    ROUTING = "routing"
    MEMORY = "memory"
    PLAYS = "plays"
    COSTS = "costs"
    CRASHES = "crashes"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFate:
    """What came of a mutant in the run of one seed, up to the first finding of the check that it names.

    `part` is where that came, None where it did not; `cases` counts what was played of that part until then, `played`
    what was played of each. `seen` are the checks and criteria that had spoken by then. `problem` says what was not
    played at all.
    """

    seed: int
    part: PlayedPart | None = None
    cases: int = 0
    played: Mapping[PlayedPart, int] = field(default_factory=dict)
    seen: tuple[str, ...] = ()
    witness: str = ""
    seconds: float = 0.0
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunKill:
    """One mutant in the runs of some seeds; `chance` says why one run may miss it, empty where none may."""

    id: str
    pattern: str
    check: str
    chance: str = ""
    fates: tuple[RunFate, ...] = ()

    @property
    def kills(self) -> int:
        """In how many of the runs it was killed."""
        return sum(fate.part is not None for fate in self.fates)

    @property
    def good(self) -> bool:
        """Whether every run killed it, or may miss it."""
        return bool(self.fates) and (self.kills == len(self.fates) or bool(self.chance))

    @property
    def parts(self) -> tuple[PlayedPart, ...]:
        """The parts in which it was killed, in their order."""
        found = {fate.part for fate in self.fates}
        return tuple(part for part in PlayedPart if part in found)

    @property
    def others(self) -> tuple[str, ...]:
        """The other checks that had seen it by then, in any of the runs."""
        return tuple(sorted({check for fate in self.fates for check in fate.seen} - {self.check}))

    def cases(self, part: PlayedPart) -> tuple[float, int, int]:
        """Returns median, least and most cases of a part in which it was killed until it was."""
        counts = [fate.cases for fate in self.fates if fate.part is part]
        return median(counts), min(counts), max(counts)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunKillMatrix:
    """All mutants that were put through runs, in the catalogue's order."""

    seeds: tuple[int, ...]
    kills: tuple[RunKill, ...]
    seconds: float

    @property
    def good(self) -> bool:
        """Whether every mutant was killed by the check that it names, but for those that a run may miss."""
        return bool(self.kills) and all(kill.good for kill in self.kills)
