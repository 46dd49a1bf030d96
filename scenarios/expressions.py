"""How much a JMESPath expression may look at and make, worked out before it is evaluated. Pure.

`[@, @] | [@, @] | ...` doubles its input with every part, so a short expression can fill any memory, in calls that no
signal interrupts. The figures here are the worst case over all inputs: characters of JSON, as a multiple of the
input's and a constant. They bound what any evaluation does, in an engine as in the reference model.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

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


_JmesNode: TypeAlias = Mapping[str, Any]
_Extents: TypeAlias = tuple[Extent, Extent]
"""Of a node's value, and of all that is looked at or made on the way to it."""
_NOTHING, _INPUT, _ANSWER = Extent(0, 0), Extent(1, 0), Extent(0, _SHORT)


def excess(expression: str, input_characters: int) -> str:
    """Returns why an expression is not evaluated on inputs of that size.

    Returns nothing where it is, and for what is no JMESPath, which has no value on any input.
    """
    extent = work(expression)
    if not extent.times + extent.beside <= EXPRESSION_GROWTH.most:
        return (
            f"may look at or make more than {EXPRESSION_GROWTH} its input, the most that is evaluated; "
            "name the parts that are needed, and join by a fixed text"
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


def _walked(node: _JmesNode) -> _Extents:
    return _BOUNDS.get(node["type"], _several)(node)


def _literal(node: _JmesNode) -> _Extents:
    made = Extent(0, len(json.dumps(node["value"])))
    return made, made


def _part(_: _JmesNode) -> _Extents:
    return _INPUT, _INPUT


def _chained(node: _JmesNode) -> _Extents:
    made, spent = _INPUT, _NOTHING
    for child in node["children"]:
        its, on_the_way = _walked(child)
        spent += on_the_way.of(made)
        made = its.of(made)
    return made, spent


def _projected(node: _JmesNode) -> _Extents:
    listed, spent = _walked(node["children"][0])
    each, on_the_way = _walked(node["children"][1])
    if len(node["children"]) > 2:  # the condition of a filter
        on_the_way += _walked(node["children"][2])[1]
    return each.for_each(listed), spent + on_the_way.for_each(listed)


def _compared(node: _JmesNode) -> _Extents:
    parts = [_walked(child) for child in node["children"]]
    return _ANSWER, _sum(spent for _, spent in parts) + _sum(made for made, _ in parts)


def _either(node: _JmesNode) -> _Extents:
    (first, spent), (second, more) = (_walked(child) for child in node["children"])
    return first | second, spent + more


def _passed_on(node: _JmesNode) -> _Extents:
    made, spent = _walked(node["children"][0])
    return made, spent + made


def _several(node: _JmesNode) -> _Extents:
    """A list or object of several, or one member of such an object."""
    parts = [_walked(child) for child in node["children"]]
    around = 2 + len(parts) + (len(json.dumps(node["value"])) if "value" in node else 0)
    made = _sum(made for made, _ in parts) + Extent(0, around)
    return made, _sum(spent for _, spent in parts) + made


def _called(node: _JmesNode) -> _Extents:
    name, parts = node["value"], [_walked(child) for child in node["children"]]
    given, spent = _sum(made for made, _ in parts), _sum(spent for _, spent in parts)
    if name in _ANSWERS:
        return _ANSWER, spent + given
    if len(parts) == 2 and name == "map":
        made = parts[0][0].for_each(parts[1][0])
        spent = parts[1][1] + parts[0][1].for_each(parts[1][0])
    elif len(parts) == 2 and name in _BY_KEY:
        made = parts[0][0]
        spent = parts[0][1] + parts[1][1].for_each(made)
    elif len(parts) == 2 and name == "join":
        glue, listed = parts[0][0], parts[1][0]
        made = listed.scaled(math.inf if glue.times else 1 + glue.beside)
    else:
        made = (given.scaled(_ESCAPED) if name == "to_string" else given) + _ANSWER
    return made, spent + made


_BOUNDS: Mapping[str, Callable[[_JmesNode], _Extents]] = {
    "literal": _literal,
    **dict.fromkeys(("field", "current", "identity", "index", "slice"), _part),
    **dict.fromkeys(("pipe", "subexpression", "index_expression"), _chained),
    **dict.fromkeys(("projection", "value_projection", "filter_projection"), _projected),
    **dict.fromkeys(("comparator", "not_expression"), _compared),
    **dict.fromkeys(("or_expression", "and_expression"), _either),
    **dict.fromkeys(("flatten", "expref"), _passed_on),
    "function_expression": _called,
}
"""How the parts of an expression are bounded, by the names that JMESPath's parser gives them."""


def _sum(extents: Iterable[Extent]) -> Extent:
    return sum(extents, _NOTHING)
