"""How soon default runs kill the mutants, as a document of its own. Pure."""

from __future__ import annotations

from cutover.harness.record.kills import PlayedPart, RunFate, RunKill, RunKillMatrix
from cutover.reports.parts.base import ReportPart

__all__ = ["RunFatePart", "RunKillPart", "RunKillsPart", "run_kills_part"]


class RunFatePart(ReportPart):
    """One mutant in the run of one seed: the part in which it was killed, after so many cases of that part."""

    seed: int
    part: PlayedPart | None
    cases: int
    played: dict[PlayedPart, int]
    seen: tuple[str, ...]
    witness: str
    seconds: float
    problem: str


class RunKillPart(ReportPart):
    """One mutant in all runs; `cases` has median, least and most cases until it was killed, by part."""

    id: str
    pattern: str
    check: str
    good: bool
    kills: int
    chance: str
    cases: dict[PlayedPart, tuple[float, int, int]]
    others: tuple[str, ...]
    fates: tuple[RunFatePart, ...]


class RunKillsPart(ReportPart):
    """The matrix of cases to kill."""

    good: bool
    headline: str
    seeds: tuple[int, ...]
    seconds: float
    kills: tuple[RunKillPart, ...]


def run_kills_part(matrix: RunKillMatrix) -> RunKillsPart:
    """Returns the matrix as a part of a report."""
    return RunKillsPart(
        good=matrix.good,
        headline=_headline(matrix),
        seeds=matrix.seeds,
        seconds=round(matrix.seconds, 3),
        kills=tuple(_kill(kill) for kill in matrix.kills),
    )


def _kill(kill: RunKill) -> RunKillPart:
    return RunKillPart(
        id=kill.id,
        pattern=kill.pattern,
        check=kill.check,
        good=kill.good,
        kills=kill.kills,
        chance=kill.chance,
        cases={part: kill.cases(part) for part in kill.parts},
        others=kill.others,
        fates=tuple(_fate(fate) for fate in kill.fates),
    )


def _fate(fate: RunFate) -> RunFatePart:
    return RunFatePart(
        seed=fate.seed,
        part=fate.part,
        cases=fate.cases,
        played=dict(fate.played),
        seen=fate.seen,
        witness=fate.witness,
        seconds=round(fate.seconds, 3),
        problem=fate.problem,
    )


def _headline(matrix: RunKillMatrix) -> str:
    """Returns the outcome of the matrix in one sentence."""
    always = sum(kill.kills == len(matrix.seeds) for kill in matrix.kills)
    runs = f"{len(matrix.seeds)} default runs" if len(matrix.seeds) > 1 else "a default run"
    verdict = "PASS" if matrix.good else "FAIL"
    return (
        f"{verdict}: {always} of {len(matrix.kills)} broken engines killed by the check that they name in {runs} each, "
        f"in {matrix.seconds:.0f} s."
    )
