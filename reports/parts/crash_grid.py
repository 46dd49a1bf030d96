"""The crash coverage as a grid: kinds of node, or ways of interruption, against kill points. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from cutover.reports.parts.crash import CrashPart

__all__ = ["POINTS", "Grid", "grid"]

POINTS = ("request", "answer", "call", "reply", "signal")


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
    """The grid, rows in the order of the coverage, those without any case last."""
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
