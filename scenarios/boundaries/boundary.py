"""What a boundary value is, the kinds there are, and the places in a scenario where one may stand. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

from cutover.engines.api import JsonValue

__all__ = [
    "KINDS",
    "NAME_PLACES",
    "PAYLOAD_PLACES",
    "PLACES",
    "Boundary",
    "BoundaryKind",
    "BoundaryPlace",
    "Planting",
    "alike",
]

BoundaryKind: TypeAlias = Literal[
    "size", "count", "text", "key", "time", "number", "null", "look-alike", "date", "template"
]
BoundaryPlace: TypeAlias = Literal[
    "input",
    "output",
    "signal",
    "item",
    "result",
    "error",
    "step id",
    "activity",
    "workflow id",
    "signal name",
    "port",
    "case",
    "wait",
    "retry",
]
"""`item` is what a loop goes over, `result` what an iteration comes to, `case` what a condition compares with."""

KINDS: Final[tuple[BoundaryKind, ...]] = get_args(BoundaryKind)
PLACES: Final[tuple[BoundaryPlace, ...]] = get_args(BoundaryPlace)
PAYLOAD_PLACES: Final[tuple[BoundaryPlace, ...]] = ("input", "output", "signal", "item", "result")
"""Where any JSON value may stand."""
NAME_PLACES: Final[tuple[BoundaryPlace, ...]] = ("step id", "activity", "workflow id", "signal name", "port")


@dataclass(frozen=True, slots=True)
class Boundary:
    """One value at which software has broken; `hurt` says which, and how.

    Of a look-alike, `alike` are the texts that are easily taken for one another, and `value` is made of them.
    `only` are the places where it may stand, where these are fewer than its shape allows.
    """

    kind: BoundaryKind
    name: str
    value: JsonValue
    hurt: str
    alike: tuple[str, ...] = ()
    only: tuple[BoundaryPlace, ...] = ()


@dataclass(frozen=True, slots=True)
class Planting:
    """A boundary value in one of the places where it may stand."""

    boundary: Boundary
    place: BoundaryPlace


def alike(name: str, hurt: str, *texts: str) -> Boundary:
    """Texts that are easily taken for one another, as the keys of one object and in a list."""
    keyed: dict[str, JsonValue] = {text: place for place, text in enumerate(texts)}
    return Boundary("look-alike", name, {"keyed": keyed, "listed": [*texts, *texts[:1]]}, hurt, alike=texts)
