"""Which scenarios a run draws: by number and seed, so that together they show all that a sample should. Pure."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

from cutover.scenarios.boundaries.boundary import Boundary
from cutover.scenarios.boundaries.catalogue import PLANTINGS
from cutover.scenarios.generated.combining import PAIRS, Feature
from cutover.scenarios.generated.nesting import NESTS, Nest
from cutover.scenarios.generated.specimens import Specimen, specimens
from cutover.scenarios.generated.tail import Tail

__all__ = ["DESIGNED_FROM", "Design", "design_of"]

DESIGNED_FROM: Final = 200
"""So many drawn scenarios show every kind of boundary value, every value, every pair of features, and all tails."""
_PAIR_EVERY: Final = 8
_NEST_EVERY: Final = 6
_NEST_AT: Final = 5
"""The first that shows loops in loops: an odd number, so that none shows a pair besides."""
_TAILS: Final[dict[int, Tail]] = {150: "steps", 151: "payload", 153: "pauses", 154: "branches"}
_INPUTS: Final = tuple(each.boundary for each in PLANTINGS if each.place == "input")
_WORKFLOW_IDS: Final = tuple(each.boundary for each in PLANTINGS if each.place == "workflow id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """What one scenario is to show besides what is drawn for it."""

    specimens: tuple[Specimen, ...] = ()
    given: Boundary | None = None
    workflow_id: str | None = None
    pair: tuple[Feature, Feature] | None = None
    nest: Nest | None = None
    tail: Tail | None = None


def design_of(seed: str, number: int) -> Design:
    """What the scenario of that number, from 1, is to show in a run of that seed."""
    tail = _TAILS.get(number)
    if tail is not None:
        return Design(tail=tail)
    draw = random.Random(f"{seed}:design")  # noqa: S311 - no secret
    first_input, first_name, first_pair, first_nest = (
        draw.randrange(len(each)) for each in (_INPUTS, _WORKFLOW_IDS, PAIRS, NESTS)
    )
    supply = specimens(seed)
    many = 1 + (number % 2 == 0)
    before = (number - 1) + (number - 1) // 2
    named = _WORKFLOW_IDS[(first_name + number) % len(_WORKFLOW_IDS)]
    turn, rest = divmod(number, _PAIR_EVERY)
    return Design(
        specimens=tuple(supply[(before + i) % len(supply)] for i in range(many)),
        given=_INPUTS[(first_input + number) % len(_INPUTS)],
        workflow_id=_text(named, number),
        nest=_nest(first_nest, number),
        pair=None if rest else PAIRS[(first_pair + turn) % len(PAIRS)],
    )


def _nest(first: int, number: int) -> Nest | None:
    """All of them come up once in the fewest scenarios that show everything."""
    turn, rest = divmod(number, _NEST_EVERY)
    if rest != _NEST_AT or number > DESIGNED_FROM:
        return None
    return NESTS[(first + turn) % len(NESTS)]


def _text(boundary: Boundary, number: int) -> str:
    texts = boundary.alike or (str(boundary.value),)
    return texts[number % len(texts)]
