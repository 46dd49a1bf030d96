"""Every boundary value, and every place in which each of them may stand. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from cutover.scenarios.boundaries.boundary import (
    NAME_PLACES,
    PAYLOAD_PLACES,
    Boundary,
    BoundaryPlace,
    Planting,
)
from cutover.scenarios.boundaries.limits import RETRIES, TIMEOUTS
from cutover.scenarios.boundaries.texts import DATES, SIZES, TEMPLATES, TEXTS
from cutover.scenarios.boundaries.values import COUNTS, KEYS, LOOK_ALIKES, NULLS, NUMBERS
from cutover.scenarios.rules import named, storable

__all__ = ["BOUNDARIES", "CELLS", "PLANTINGS", "places_of"]

BOUNDARIES: Final[tuple[Boundary, ...]] = (
    *SIZES,
    *COUNTS,
    *TEXTS,
    *KEYS,
    *NUMBERS,
    *NULLS,
    *LOOK_ALIKES,
    *DATES,
    *TEMPLATES,
    *TIMEOUTS,
    *RETRIES,
)
_MOST_IN_A_CASE: Final = 300
"""Characters; a longer text is no word that a condition would compare with."""


def places_of(boundary: Boundary) -> Iterator[BoundaryPlace]:
    """Each place where a boundary value is legal."""
    if boundary.only:
        yield from boundary.only
        return
    yield from PAYLOAD_PLACES
    texts = boundary.alike or ((boundary.value,) if isinstance(boundary.value, str) else ())
    if texts and all(text and storable(text) for text in texts):
        yield "error"
    for place in NAME_PLACES if texts else ():
        if not any(problem for text in texts for problem in named("", text, forbidden="/[]")):
            yield place
    if texts:
        if all(len(text) <= _MOST_IN_A_CASE for text in texts):
            yield "case"
    elif not isinstance(boundary.value, list | dict):
        yield "case"


PLANTINGS: Final = tuple(Planting(boundary, place) for boundary in BOUNDARIES for place in places_of(boundary))
CELLS: Final = frozenset((planting.boundary.kind, planting.place) for planting in PLANTINGS)
"""Which kinds of value may stand in which kinds of place."""
