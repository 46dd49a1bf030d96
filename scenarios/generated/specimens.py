"""What is planted in a generated scenario: boundary values in their places, in an order drawn from a seed. Pure."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import cycle, islice
from typing import Final, Literal, TypeAlias

from cutover.engines.api import JsonValue
from cutover.scenarios.boundaries.boundary import Boundary, BoundaryPlace
from cutover.scenarios.boundaries.catalogue import CELLS, PLANTINGS

__all__ = ["ITEMS", "Form", "Specimen", "specimens"]

Form: TypeAlias = Literal["activity", "error", "case", "signal", "loop", "wait", "retry"]

ITEMS: Final = 3
"""Boundary values among the items of one loop, and among its results."""
_PLACES: Final[Mapping[Form, Mapping[BoundaryPlace, int]]] = {
    "activity": {"output": 1, "activity": 1, "port": 1},
    "error": {"error": 1},
    "case": {"case": 1},
    "signal": {"signal": 1, "signal name": 1},
    "loop": {"item": ITEMS, "result": ITEMS},
    "wait": {"wait": 1},
    "retry": {"retry": 1},
}
"""How many values each form has in each place; all have a step id besides."""


@dataclass(frozen=True, slots=True)
class Specimen:
    """A few nodes of one form with boundary values in their places."""

    form: Form
    planted: Mapping[BoundaryPlace, tuple[Boundary, ...]] = field(repr=False)

    def values(self, place: BoundaryPlace) -> tuple[JsonValue, ...]:
        """The values in a place."""
        return tuple(boundary.value for boundary in self.planted.get(place, ()))

    def texts(self, place: BoundaryPlace) -> tuple[str, ...]:
        """The texts in a place: one, all that look alike, or none."""
        found: list[str] = []
        for boundary in self.planted.get(place, ()):
            found += boundary.alike or ((boundary.value,) if isinstance(boundary.value, str) else ())
        return tuple(found)

    def shows(self) -> Iterator[tuple[str, str]]:
        """Which kinds of value in which kinds of place, and which values at all."""
        for place, boundaries in self.planted.items():
            for boundary in boundaries:
                yield boundary.kind, place
                yield "", boundary.name


@lru_cache(maxsize=8)
def specimens(seed: str) -> tuple[Specimen, ...]:
    """As many as it takes for every boundary value to stand in every place of a step where it may.

    The first few show every kind of value in every such place, and every value.
    """
    draw = random.Random(f"{seed}:specimens")  # noqa: S311 - no secret
    drawn = {place: _shuffled(place, draw) for _, place in sorted(CELLS)}
    made: list[Specimen] = []
    names = cycle(drawn["step id"])
    for form, places in _PLACES.items():
        count = max(-(-len(drawn[place]) // each) for place, each in places.items())
        supplies = {place: cycle(drawn[place]) for place in places}
        made += (
            Specimen(
                form,
                {
                    "step id": (next(names),),
                    **{place: tuple(islice(supplies[place], each)) for place, each in places.items()},
                },
            )
            for _ in range(count)
        )
    draw.shuffle(made)
    return tuple(_newest_first(made))


def _shuffled(place: BoundaryPlace, draw: random.Random) -> list[Boundary]:
    boundaries = [planting.boundary for planting in PLANTINGS if planting.place == place]
    draw.shuffle(boundaries)
    return boundaries


def _newest_first(made: Sequence[Specimen]) -> Iterator[Specimen]:
    """Those that show something that none before them shows, by how much, then the others in their order."""
    left = dict(enumerate(made))
    shown = {number: set(specimen.shows()) for number, specimen in left.items()}
    seen: set[tuple[str, str]] = set()
    while left:
        number = max(left, key=lambda each: (len(shown[each] - seen), -each))
        if shown[number] <= seen:
            break
        seen |= shown[number]
        yield left.pop(number)
    yield from left.values()
