"""JMESPath as conditions and loops use it. Pure; the kit's own."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import jmespath

from cutover.engines.api import ConditionNode, JsonValue
from cutover.engines.errors import CutoverError

__all__ = ["NoAnswer", "items_of", "port_of"]


class NoAnswer(CutoverError):
    """An expression has no usable value on its input; the step fails with these words."""


def port_of(node: ConditionNode, value: JsonValue) -> str:
    """Returns the port by which a condition leaves. Raises NoAnswer."""
    found = _value(node.expression, value)
    if not node.cases:
        empty = found is None or found is False or (isinstance(found, str | list | dict) and len(found) == 0)
        return "false" if empty else "true"
    for case in node.cases:
        if isinstance(case.value, bool) is isinstance(found, bool) and case.value == found:
            return case.port
    return "default"


def items_of(expression: str, value: JsonValue) -> list[JsonValue]:
    """Returns what a loop runs over. Raises NoAnswer where the value is not a list."""
    found = _value(expression, value)
    if not isinstance(found, list):
        raise NoAnswer(f"{expression!r} has no list as its value on this input")
    return found


def _value(expression: str, value: JsonValue) -> JsonValue:
    try:
        found: JsonValue = _compiled(expression).search(value)
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise NoAnswer(f"{expression!r} has no value on this input: {error}") from error
    return found


@lru_cache(maxsize=512)
def _compiled(expression: str) -> Any:
    return jmespath.compile(expression)
