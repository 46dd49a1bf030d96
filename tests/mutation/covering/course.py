"""The course that mutants are played on: the steps of the original's play, each with the statements that it ran. Pure.

A mutant is played on the steps alone in which its statement was run: nothing else can show it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from mutation.covering.marks import Statement

__all__ = ["Course", "Step"]

_SLOW: Final[Mapping[str, str]] = {"lasting": "engines/v2/lease.py"}
"""Stages that take so long that mutants of one file alone are played on them, by that file."""


@dataclass(frozen=True, slots=True)
class Step:
    """A trial, a play, a crash case or another thing that is done once; `ran` is None where that is not known."""

    stage: str
    name: str
    seconds: float
    ran: frozenset[Statement] | None


@dataclass(slots=True)
class Course:
    """All steps, in order. `loaded` are the statements that are run by an import or an install."""

    steps: list[Step] = field(default_factory=list)
    loaded: frozenset[Statement] = frozenset()

    def through(self, statement: Statement) -> list[Step]:
        """The steps that may show a change of this statement."""
        played = [step for step in self.steps if _SLOW.get(step.stage, statement[0]) == statement[0]]
        if statement in self.loaded:
            return played
        found = [step for step in played if step.ran is None or statement in step.ran]
        return found if any(step.ran is not None for step in found) else []

    def ran(self) -> frozenset[Statement]:
        """Every statement that anything runs."""
        return self.loaded.union(*(step.ran for step in self.steps if step.ran is not None))

    def document(self) -> dict[str, Any]:
        """As JSON can carry it."""
        known = sorted(self.ran())
        places = {statement: place for place, statement in enumerate(known)}
        return {
            "statements": known,
            "loaded": [places[each] for each in sorted(self.loaded)],
            "steps": [
                {
                    "stage": step.stage,
                    "name": step.name,
                    "seconds": round(step.seconds, 3),
                    "ran": None if step.ran is None else _bits(places[each] for each in step.ran),
                }
                for step in self.steps
            ],
        }

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Course:
        """What `document` wrote."""
        known: Sequence[Statement] = [(file, line) for file, line in document["statements"]]
        steps = [
            Step(row["stage"], row["name"], row["seconds"], None if row["ran"] is None else _chosen(known, row["ran"]))
            for row in document["steps"]
        ]
        return cls(steps, frozenset(known[place] for place in document["loaded"]))


def _bits(places: Iterable[int]) -> str:
    number = 0
    for place in places:
        number |= 1 << place
    return f"{number:x}"


def _chosen(known: Sequence[Statement], bits: str) -> frozenset[Statement]:
    number = int(bits, 16)
    return frozenset(statement for place, statement in enumerate(known) if number >> place & 1)
