"""What the trials of a run are made of: boundary values in their places, features in pairs, and sizes. Pure.

Only what runs counts: a step that is skipped shows nothing. What runs is what the reference model says, so that no
engine decides what its own test has covered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from cutover.harness.judge.reference.model import Expected
from cutover.harness.judge.summaries.nestings import nested_features
from cutover.harness.judge.summaries.sightings import branches_of, features_of, sightings
from cutover.scenarios.boundaries.boundary import PLACES
from cutover.scenarios.boundaries.catalogue import BOUNDARIES, CELLS, PLANTINGS
from cutover.scenarios.generated.combining import PAIRS
from cutover.scenarios.generated.nesting import NESTED
from cutover.scenarios.generated.tail import LARGE_BYTES, MANY_BRANCHES, MANY_STEPS
from cutover.scenarios.model import Scenario

__all__ = ["MaterialCollector", "MaterialSummary"]

MaterialCell: TypeAlias = tuple[str, str]
_TOLD: Final = 3
"""How many of what is missing a sentence names."""
_PLACED: Final = frozenset((each.boundary.name, each.place) for each in PLANTINGS)
_BOUNDARIES: Final = frozenset(boundary.name for boundary in BOUNDARIES)


@dataclass(frozen=True, slots=True, kw_only=True)
class MaterialSummary:
    """How many scenarios showed what.

    `cells` has every kind of value with every place in which it may stand; `pairs` every pair of features, and every
    feature with the loops that it is in. `values` counts the boundary values that were seen at all, of `values_known`,
    and `placed` those with their places, of `places_known`. The sizes are those of the largest scenarios: steps that
    ran, bytes of one payload, and branches that one step leads to and another waits for.
    """

    cells: Mapping[MaterialCell, int]
    pairs: Mapping[MaterialCell, int]
    values: int
    values_known: int
    unseen: tuple[str, ...]
    placed: int
    places_known: int
    most_steps: int
    most_bytes: int
    most_branches: int

    def lacks(self) -> Iterator[str]:
        """Yields a sentence for each sort of thing that no scenario showed."""
        cells = [f"{kind} as {place}" for kind, place in _none(self.cells)]
        pairs = [f"{first} with {second}" for first, second in _none(self.pairs)]
        yield from _missing("kinds of boundary value in places where no scenario shows them", cells)
        yield from _missing("boundary values that no scenario shows", self.unseen)
        yield from _missing("pairs of features that no scenario shows", pairs)
        if self.most_steps < MANY_STEPS:
            yield f"the longest scenario has {self.most_steps:,} of the {MANY_STEPS:,} steps that one should have"
        if self.most_bytes < LARGE_BYTES:
            yield f"the largest payload has {self.most_bytes:,} of the {LARGE_BYTES:,} bytes that one should have"
        if self.most_branches < MANY_BRANCHES:
            width = f"{self.most_branches:,} of the {MANY_BRANCHES:,} branches"
            yield f"the widest scenario has {width} that one should have"


class MaterialCollector:
    """Takes scenarios one at a time, each with what it must come to."""

    def __init__(self) -> None:
        self._cells: Counter[MaterialCell] = Counter()
        self._pairs: Counter[MaterialCell] = Counter()
        self._placed: set[MaterialCell] = set()
        self._steps = 0
        self._bytes = 0
        self._branches = 0

    def add(self, scenario: Scenario, expected: Expected) -> None:
        """Takes one in."""
        found = set(sightings(scenario, expected))
        self._cells.update({(each.kind, each.place) for each in found})
        self._placed.update((each.name, each.place) for each in found if each.name)
        features = features_of(expected)
        self._pairs.update((first, second) for first, second in PAIRS if {first, second} <= features)
        self._pairs.update(set(NESTED) & nested_features(scenario, expected))
        self._steps = max(self._steps, len(expected.steps))
        self._bytes = max(self._bytes, *(len(step.output or "") for step in expected.steps.values()), 0)
        self._branches = max(self._branches, branches_of(expected))

    def part(self) -> dict[str, object]:
        """Returns what was taken in, as JSON can carry it."""
        return {
            "cells": [[*cell, count] for cell, count in self._cells.items()],
            "pairs": [[*pair, count] for pair, count in self._pairs.items()],
            "placed": sorted(self._placed),
            "steps": self._steps,
            "bytes": self._bytes,
            "branches": self._branches,
        }

    def absorb(self, part: Mapping[str, Any]) -> None:
        """Takes over what another has taken in."""
        for counter, name in ((self._cells, "cells"), (self._pairs, "pairs")):
            for first, second, count in part[name]:
                counter[first, second] += count
        self._placed.update((name, place) for name, place in part["placed"])
        self._steps = max(self._steps, part["steps"])
        self._bytes = max(self._bytes, part["bytes"])
        self._branches = max(self._branches, part["branches"])

    def summary(self) -> MaterialSummary:
        """Returns what all of it comes to."""
        seen = {name for name, _ in self._placed}
        order = {place: i for i, place in enumerate(PLACES)}
        kinds = dict.fromkeys(boundary.kind for boundary in BOUNDARIES)
        rank = {kind: i for i, kind in enumerate(kinds)}
        cells = sorted(CELLS, key=lambda cell: (rank[cell[0]], order[cell[1]]))
        return MaterialSummary(
            cells={cell: self._cells[cell] for cell in cells},
            pairs={pair: self._pairs[pair] for pair in (*PAIRS, *NESTED)},
            values=len(seen),
            values_known=len(_BOUNDARIES),
            unseen=tuple(boundary.name for boundary in BOUNDARIES if boundary.name not in seen),
            placed=len(self._placed & _PLACED),
            places_known=len(_PLACED),
            most_steps=self._steps,
            most_bytes=self._bytes,
            most_branches=self._branches,
        )


def _none(counts: Mapping[MaterialCell, int]) -> list[MaterialCell]:
    return [cell for cell, count in counts.items() if not count]


def _missing(what: str, names: Iterable[str]) -> Iterator[str]:
    missing = list(names)
    if missing:
        more = ", ..." if len(missing) > _TOLD else ""
        yield f"{what}: {len(missing):,} ({', '.join(missing[:_TOLD])}{more})"
