"""JMESPath as the legacy engine reads it: truth, cases and lists. Pure."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import jmespath

from cutover.engines.api import ConditionNode, JsonValue

__all__ = ["evaluate", "port_of"]


def evaluate(expression: str, value: JsonValue) -> Any:
    """The expression's value; raises whatever JMESPath raises."""
    return _compiled(expression).search(value)


def port_of(node: ConditionNode, value: JsonValue) -> str:
    """The port by which a condition leaves on this input; raises whatever JMESPath raises."""
    found = evaluate(node.expression, value)
    if not node.cases:
        return "false" if found is None or found is False or found in ("", [], {}) else "true"
    return next((case.port for case in node.cases if _same(case.value, found)), "default")


def _same(wanted: object, found: object) -> bool:
    if isinstance(wanted, bool) or isinstance(found, bool):
        return wanted is found
    return wanted == found


@lru_cache(maxsize=256)
def _compiled(expression: str) -> Any:
    return jmespath.compile(expression)
