"""Tells boundary values from others: the catalogue's own by name, and values of the same kinds. Pure."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from cutover.engines.api import JsonValue
from cutover.scenarios.boundaries.boundary import Boundary, BoundaryKind
from cutover.scenarios.boundaries.catalogue import BOUNDARIES

__all__ = ["names_in", "of_name", "of_value"]

_LONG: Final = 255
_MANY: Final = 100
_DEEP: Final = 60
_DATE: Final = re.compile(r"\d{4}-[01]\d-[0-3]\d(?!\d)")
_TEMPLATE: Final = re.compile(r"\{\{.*\}\}|\$\{.*\}|\{%.*%\}|<%.*%>|%\([a-z_]+\)s|#\{.*\}", re.DOTALL)
_EMPTY_WORDS: Final = frozenset({"", "null", "None", "undefined", "nil", "N/A"})


def of_value(value: JsonValue) -> Iterator[tuple[BoundaryKind, str]]:
    """Every boundary value in a payload, as its kind and its name; the name is empty where only the kind is known."""
    pending: list[tuple[JsonValue, int]] = [(value, 1)]
    while pending:
        part, depth = pending.pop()
        yield from _exact(part)
        if isinstance(part, dict):
            pending += [(item, depth + 1) for item in part.values()]
        elif isinstance(part, list):
            pending += [(item, depth + 1) for item in part]
        yield from ((kind, "") for kind in _kinds(part, depth))


def of_name(text: str) -> Iterator[tuple[BoundaryKind, str]]:
    """The boundary values that a name is."""
    yield from ((boundary.kind, boundary.name) for boundary in _TEXTS.get(text, ()))
    if len(text) > _MANY:
        yield "size", ""
    yield from ((kind, "") for kind in _kinds_of_text(text) if kind != "size")


def names_in(texts: set[str], beside: frozenset[str] = frozenset()) -> Iterator[tuple[BoundaryKind, str]]:
    """The groups of look-alikes of which at least two are among the names; all but one may be among those beside."""
    for boundary in _ALIKE:
        present = texts.intersection(boundary.alike)
        if present and len(present.union(beside.intersection(boundary.alike))) > 1:
            yield boundary.kind, boundary.name


def _exact(part: JsonValue) -> Iterator[tuple[BoundaryKind, str]]:
    for boundary in _BY_SHAPE.get(_shape(part), ()):
        if _written(boundary.value) == _written(part):
            yield boundary.kind, boundary.name


def _kinds(part: JsonValue, depth: int) -> Iterator[BoundaryKind]:
    match part:
        case None:
            yield "null"
        case bool():
            pass
        case int() | float():
            if abs(part) >= 2**31 or part == 0:
                yield "number"
        case str():
            yield from _kinds_of_text(part)
        case _:
            if not part or len(part) > _MANY or depth > _DEEP:
                yield "count"


def _kinds_of_text(text: str) -> Iterator[BoundaryKind]:
    if len(text) >= _LONG:
        yield "size"
    if text in _EMPTY_WORDS:
        yield "null"
    if _DATE.search(text):
        yield "date"
    if _TEMPLATE.search(text):
        yield "template"


def _shape(part: JsonValue) -> tuple[str, object]:
    """What must be equal before two values are compared as text."""
    if isinstance(part, list | dict):
        return type(part).__name__, len(part)
    return type(part).__name__, part


def _written(value: JsonValue) -> str:
    return json.dumps(value, sort_keys=True)


def _by_shape() -> dict[tuple[str, object], list[Boundary]]:
    found: dict[tuple[str, object], list[Boundary]] = defaultdict(list)
    for boundary in BOUNDARIES:
        if not boundary.only:
            found[_shape(boundary.value)].append(boundary)
    return dict(found)


def _by_text() -> dict[str, list[Boundary]]:
    found: dict[str, list[Boundary]] = defaultdict(list)
    for boundary in BOUNDARIES:
        for text in boundary.alike or ((boundary.value,) if isinstance(boundary.value, str) else ()):
            found[text].append(boundary)
    return dict(found)


_BY_SHAPE: Final = _by_shape()
_TEXTS: Final = _by_text()
_ALIKE: Final = tuple(boundary for boundary in BOUNDARIES if boundary.alike)
