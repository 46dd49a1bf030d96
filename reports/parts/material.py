"""What the trials were made of, boundary values by place and features in pairs, as a part of a report. Pure."""

from __future__ import annotations

from cutover.harness.judge.summaries.material import MaterialSummary
from cutover.reports.parts.base import ReportPart
from cutover.scenarios.boundaries.boundary import KINDS, PLACES, BoundaryKind, BoundaryPlace

__all__ = ["MaterialPart", "PairPart", "PlaceRow", "material_part"]


class PlaceRow(ReportPart):
    """In how many scenarios each kind of boundary value stood in this place; null where it cannot stand there."""

    place: BoundaryPlace
    counts: tuple[int | None, ...]


class PairPart(ReportPart):
    """In how many scenarios two features of the language came together."""

    first: str
    second: str
    scenarios: int


class MaterialPart(ReportPart):
    """What the scenarios showed when they ran; `rows` have one count for each of `kinds`.

    `values` of the catalogue's `values_known` boundary values were there, `placed` of all `places_known` that are legal
    with their places; `unseen` names those that were not. The sizes are those of the largest scenarios.
    """

    kinds: tuple[BoundaryKind, ...]
    rows: tuple[PlaceRow, ...]
    pairs: tuple[PairPart, ...]
    values: int
    values_known: int
    unseen: tuple[str, ...]
    placed: int
    places_known: int
    most_steps: int
    most_bytes: int
    most_branches: int = 0

    @property
    def cells(self) -> tuple[int, int]:
        """How many kinds of value were seen in their places, of how many that there are."""
        counts = [count for row in self.rows for count in row.counts if count is not None]
        return sum(count > 0 for count in counts), len(counts)

    @property
    def pairs_seen(self) -> int:
        """How many pairs of features came together."""
        return sum(pair.scenarios > 0 for pair in self.pairs)


def material_part(summary: MaterialSummary) -> MaterialPart:
    """Returns the part; counts are copied from the summary."""
    return MaterialPart(
        kinds=KINDS,
        rows=tuple(
            PlaceRow(place=place, counts=tuple(summary.cells.get((kind, place)) for kind in KINDS)) for place in PLACES
        ),
        pairs=tuple(
            PairPart(first=first, second=second, scenarios=count) for (first, second), count in summary.pairs.items()
        ),
        values=summary.values,
        values_known=summary.values_known,
        unseen=summary.unseen,
        placed=summary.placed,
        places_known=summary.places_known,
        most_steps=summary.most_steps,
        most_bytes=summary.most_bytes,
        most_branches=summary.most_branches,
    )
