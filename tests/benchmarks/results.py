"""What a benchmark found, and its rendering as a table and as JSON. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["Result", "as_document", "as_table", "missed"]

_HEADERS = ("benchmark", "target", "median", "min", "max", "n", "verdict")


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One number held against its target: the median of `samples`, one sample a round.

    `detail` says what it is made of. Without samples it has failed, for nothing was measured.
    """

    name: str
    sense: Literal["at least", "at most"]
    target: float
    samples: tuple[float, ...]
    detail: str = ""

    @property
    def median(self) -> float:
        """The number that is judged; NaN where nothing was measured."""
        return statistics.median(self.samples) if self.samples else float("nan")

    @property
    def passed(self) -> bool:
        """Whether the target is met; NaN meets none."""
        return self.median >= self.target if self.sense == "at least" else self.median <= self.target


def missed(results: Iterable[Result]) -> list[str]:
    """The names of those that failed."""
    return [result.name for result in results if not result.passed]


def as_document(results: Sequence[Result], setting: dict[str, str]) -> dict[str, Any]:
    """All results with every sample, and what they were measured on; ready for JSON."""
    return {
        "schema_version": 1,
        "setting": setting,
        "passed": bool(results) and not missed(results),
        "results": [
            {
                "name": result.name,
                "sense": result.sense,
                "target": result.target,
                "median": result.median if result.samples else None,
                "samples": list(result.samples),
                "passed": result.passed,
                "detail": result.detail,
            }
            for result in results
        ],
    }


def as_table(results: Sequence[Result]) -> str:
    """One line a result, its detail below."""
    rows = [_HEADERS, *(_row(result) for result in results)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADERS))]
    lines = []
    for row, detail in zip(rows, ["", *(result.detail for result in results)], strict=True):
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        lines.append("  ".join(cells))
        if detail:
            lines.append(f"    {detail}")
    return "\n".join(lines)


def _row(result: Result) -> tuple[str, ...]:
    numbers = (result.median, min(result.samples), max(result.samples)) if result.samples else (float("nan"),) * 3
    return (
        result.name,
        f"{'>=' if result.sense == 'at least' else '<='} {result.target:g}",
        *(f"{number:.2f}" for number in numbers),
        str(len(result.samples)),
        "PASS" if result.passed else "FAIL",
    )
