"""What the crash matrix came to, as a part of a report, and its coverage as a grid. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from pydantic import Field

from cutover.harness.judge.crash.tally import CoverageCell, CrashSummary
from cutover.harness.judge.findings import Verdict
from cutover.reports.parts.base import ReportPart
from cutover.reports.words import count, number

__all__ = [
    "MOMENT",
    "POINTS",
    "CellPart",
    "CrashPart",
    "Grid",
    "UntouchedPart",
    "WitnessPart",
    "crash_part",
    "grid",
    "headline",
]

POINTS = ("request", "answer", "call", "reply", "signal")
"""The kinds of kill point, in the order of a round trip."""

MOMENT = "moment"
"""A kind that only cases at random moments have."""

_VERDICTS: dict[Verdict, Literal["PASS", "FAIL", "INCONCLUSIVE"]] = {
    Verdict.PASS: "PASS",
    Verdict.FAIL: "FAIL",
    Verdict.INCONCLUSIVE: "INCONCLUSIVE",
}


class CellPart(ReportPart):
    """One cell of the coverage: planned cases, those whose fault fired, those that passed."""

    node_kind: str
    point: str
    way: str
    planned: int
    fired: int
    passed: int


class UntouchedPart(ReportPart):
    """A kind of node and of kill point that can come together and that no case touched: not tested."""

    node_kind: str
    point: str


class WitnessPart(ReportPart):
    """One thing that a check holds against one case, and what repeats it."""

    case: str
    check: str
    message: str
    replay: str


class CrashPart(ReportPart):
    """The crash matrix of one engine.

    `points` counts the kill points at which something died, in so many `scenarios`; `classes` how many of these have
    each kind of node. `upper_bound` is null since 0.2: the cases are no random sample, so they bound no share.
    `partial` says that the matrix was interrupted, of `planned` cases.
    """

    engine: str
    seed: int
    verdict: Literal["PASS", "FAIL", "INCONCLUSIVE"]
    headline: str
    cases: int
    passed: int
    unfired: int
    failed: int
    duplicates: int
    lost: int
    redeliveries: int
    duplicates_per_hundred: float
    upper_bound: float | None = None
    planned: int = 0
    partial: bool = False
    points: int = 0
    scenarios: int = 0
    classes: dict[str, int] = Field(default_factory=dict)
    examined: dict[str, int]
    failed_by_check: dict[str, int]
    coverage: tuple[CellPart, ...]
    untouched: tuple[UntouchedPart, ...]
    witnesses: tuple[WitnessPart, ...]


def headline(summary: CrashSummary) -> str:
    """Returns the verdict on the crash matrix in one sentence."""
    cases = f"{count(summary.cases)} crash cases"
    match summary.verdict:
        case Verdict.PASS:
            if summary.planned > summary.cases:
                cases = f"{count(summary.cases)} of {count(summary.planned)} crash cases"
            classes = ", ".join(f"{kind} {count(many)}" for kind, many in summary.classes.items())
            return (
                f"PASS: {summary.engine} came through {cases} without a duplicate or a loss, at "
                f"{count(summary.points)} kill points in {count(summary.scenarios)} scenarios ({classes}); chosen, not "
                "drawn at random, they prove no share of all crashes."
            )
        case Verdict.FAIL:
            return (
                f"FAIL: {summary.engine} fails {count(summary.failed)} of {cases}; duplicates: "
                f"{count(summary.duplicates)} ({number(summary.per_hundred, 'count')} per hundred resumes), losses: "
                f"{count(summary.lost)}."
            )
        case _:
            why = (
                f"{count(summary.unfired)} of {cases} did not fire: {_UNFIRED}" if summary.cases else "no case was run"
            )
            if summary.partial:
                why = _interrupted(summary)
            elif summary.cases and not summary.unfired:
                why = f"{count(summary.missed)} kill points were missed"
            return f"INCONCLUSIVE: {summary.engine}: {why}."


_UNFIRED: Final = (
    "what was to happen there did not come again, as with what goes by the clock in the background; `cutover crash "
    "--case` shows what came instead"
)


def _interrupted(summary: CrashSummary) -> str:
    if not summary.cases:
        return "interrupted before the first crash case had ended"
    return f"interrupted after {count(summary.cases)} of {count(summary.planned)} crash cases"


def crash_part(summary: CrashSummary, replay: Callable[[str], str]) -> CrashPart:
    """Returns the summary as a part of a report; `replay` makes the command that repeats a case from its name."""
    return CrashPart(
        engine=summary.engine,
        seed=summary.seed,
        verdict=_VERDICTS[summary.verdict],
        headline=headline(summary),
        cases=summary.cases,
        passed=summary.passed,
        unfired=summary.unfired,
        failed=summary.failed,
        duplicates=summary.duplicates,
        lost=summary.lost,
        redeliveries=summary.redeliveries,
        duplicates_per_hundred=summary.per_hundred,
        planned=summary.planned,
        partial=summary.partial,
        points=summary.points,
        scenarios=summary.scenarios,
        classes=dict(summary.classes),
        examined=dict(summary.examined),
        failed_by_check=dict(summary.failed_by_check),
        coverage=tuple(_cell(cell, counts) for cell, counts in summary.coverage.items()),
        untouched=tuple(UntouchedPart(node_kind=kind, point=point) for kind, point in summary.untouched),
        witnesses=tuple(
            WitnessPart(case=finding.case, check=finding.check, message=finding.message, replay=replay(finding.case))
            for finding in summary.witnesses
        ),
    )


def _cell(cell: CoverageCell, counts: tuple[int, int, int]) -> CellPart:
    planned, fired, passed = counts
    return CellPart(
        node_kind=cell.node_kind, point=cell.point, way=cell.way, planned=planned, fired=fired, passed=passed
    )


@dataclass(frozen=True, slots=True)
class Grid:
    """By row and kill point, the cases planned and those passed; `untouched` are pairs that could be and were not."""

    rows: tuple[str, ...]
    cells: Mapping[tuple[str, str], tuple[int, int]]
    untouched: frozenset[tuple[str, str]]

    @property
    def failed(self) -> int:
        """Cases that did not pass; one that touches two kinds of node counts at both."""
        return sum(planned - passed for planned, passed in self.cells.values())


def grid(part: CrashPart, rows: Literal["node_kind", "way"]) -> Grid:
    """Returns the grid, rows in the order of the coverage, those without a case last."""
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for cell in part.coverage:
        at = sums[getattr(cell, rows), cell.point]
        at[0] += cell.planned
        at[1] += cell.passed
    untouched = {(cell.node_kind, cell.point) for cell in part.untouched} if rows == "node_kind" else set()
    return Grid(
        rows=tuple(dict.fromkeys([*(name for name, _ in sums), *sorted(name for name, _ in untouched)])),
        cells={key: (planned, passed) for key, (planned, passed) in sums.items()},
        untouched=frozenset(untouched),
    )
