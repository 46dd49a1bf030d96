"""How much a JMESPath expression may look at and make, worked out before it is evaluated. Pure.

`[@, @] | [@, @] | ...` doubles its input with every part, so a short expression can fill any memory, in calls that no
signal interrupts. The figures here are the worst case over all inputs: characters of JSON, as a multiple of the
input's and a constant. They bound what any evaluation does, in an engine as in the reference model.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jmespath

from cutover.scenarios.inputs.limits import EXPRESSION_GROWTH, EXPRESSION_WORK

__all__ = ["Extent", "excess", "work"]

_ESCAPED = 2.0
"""JSON text inside JSON text: each quotation mark and backslash takes one more."""
_SHORT = 30.0
"""Characters of a number, of true, false or null, and of the name of a type."""
_ANSWERS = frozenset({"abs", "avg", "ceil", "contains", "ends_with", "floor", "length", "starts_with", "sum", "type"})
_BY_KEY = frozenset({"max_by", "min_by", "sort_by"})


@dataclass(frozen=True, slots=True)
class Extent:
    """At most `times` characters for each of the input's, and `beside` others."""

    times: float
    beside: float

    def __add__(self, other: Extent) -> Extent:
        return Extent(self.times + other.times, self.beside + other.beside)

    def __or__(self, other: Extent) -> Extent:
        return Extent(max(self.times, other.times), max(self.beside, other.beside))

    def scaled(self, by: float) -> Extent:
        """Returns so many times as much."""
        return Extent(self.times * by, self.beside * by)

    def of(self, given: Extent) -> Extent:
        """Returns what it comes to on an input of that extent."""
        return Extent(self.times * given.times, self.times * given.beside + self.beside)

    def for_each(self, given: Extent) -> Extent:
        """Returns what it comes to on all items of a list of that extent, of which each has a character at least."""
        return given.scaled(self.times + self.beside)


_NOTHING, _INPUT, _ANSWER = Extent(0, 0), Extent(1, 0), Extent(0, _SHORT)


def excess(expression: str, input_characters: int) -> str:
    """Returns why an expression is not evaluated on inputs of that size.

    Returns nothing where it is, and for what is no JMESPath, which has no value on any input.
    """
    extent = work(expression)
    if not extent.times + extent.beside <= EXPRESSION_GROWTH.most:
        return (
            f"may look at or make more than {EXPRESSION_GROWTH} its input; at most that is evaluated, so name the parts "
            "that are needed, and join by a fixed text"
        )
    if extent.times * input_characters + extent.beside > EXPRESSION_WORK.most:
        return f"may come to more than {EXPRESSION_WORK} on an input as large as this scenario; name fewer parts"
    return ""


@lru_cache(maxsize=4096)
def work(expression: str) -> Extent:
    """Returns all that evaluating an expression looks at or makes, at worst; infinite where that has no bound."""
    try:
        return _walked(jmespath.compile(expression).parsed)[1]
    except OverflowError:
        return Extent(math.inf, math.inf)
    except (ValueError, RecursionError):  # JMESPath's own errors are ValueErrors
        return _NOTHING


def _walked(node: dict[str, Any]) -> tuple[Extent, Extent]:
    """The extent of a node's value, and of all that is looked at or made on the way."""
    kind, children = node["type"], node.get("children", ())
    match kind:
        case "literal":
            made = Extent(0, len(json.dumps(node["value"])))
            return made, made
        case "field" | "current" | "identity" | "index" | "slice":
            return _INPUT, _INPUT
        case "pipe" | "subexpression" | "index_expression":
            return _chained(children)
        case "projection" | "value_projection" | "filter_projection":
            return _projected(children)
        case "comparator" | "not_expression":
            parts = [_walked(child) for child in children]
            return _ANSWER, _sum(spent for _, spent in parts) + _sum(made for made, _ in parts)
        case "or_expression" | "and_expression":
            parts = [_walked(child) for child in children]
            return parts[0][0] | parts[1][0], _sum(spent for _, spent in parts)
        case "function_expression":
            return _called(node["value"], children)
        case "flatten" | "expref":
            made, spent = _walked(children[0])
            return made, spent + made
        case _:  # a list or object of several, or one member of such an object
            parts = [_walked(child) for child in children]
            around = 2 + len(parts) + (len(json.dumps(node["value"])) if "value" in node else 0)
            made = _sum(made for made, _ in parts) + Extent(0, around)
            return made, _sum(spent for _, spent in parts) + made


def _chained(children: Sequence[dict[str, Any]]) -> tuple[Extent, Extent]:
    made, spent = _INPUT, _NOTHING
    for child in children:
        its, on_the_way = _walked(child)
        spent += on_the_way.of(made)
        made = its.of(made)
    return made, spent


def _projected(children: Sequence[dict[str, Any]]) -> tuple[Extent, Extent]:
    listed, spent = _walked(children[0])
    each, on_the_way = _walked(children[1])
    if len(children) > 2:  # the condition of a filter
        on_the_way += _walked(children[2])[1]
    return each.for_each(listed), spent + on_the_way.for_each(listed)


def _called(name: str, children: Sequence[dict[str, Any]]) -> tuple[Extent, Extent]:
    parts = [_walked(child) for child in children]
    given = _sum(made for made, _ in parts)
    spent = _sum(spent for _, spent in parts)
    if name in _ANSWERS:
        return _ANSWER, spent + given
    if len(parts) == 2 and name == "map":
        made = parts[0][0].for_each(parts[1][0])
        return made, parts[1][1] + parts[0][1].for_each(parts[1][0]) + made
    if len(parts) == 2 and name in _BY_KEY:
        made = parts[0][0]
        return made, parts[0][1] + parts[1][1].for_each(made) + made
    if len(parts) == 2 and name == "join":
        glue, listed = parts[0][0], parts[1][0]
        made = listed.scaled(math.inf if glue.times else 1 + glue.beside)
        return made, spent + made
    made = (given.scaled(_ESCAPED) if name == "to_string" else given) + _ANSWER
    return made, spent + made


def _sum(extents: Iterable[Extent]) -> Extent:
    return sum(extents, _NOTHING)
