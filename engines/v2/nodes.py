"""How nodes without an effect are evaluated: a condition's port, a loop's items and iterations. Pure."""

from __future__ import annotations

from jmespath.exceptions import JMESPathError

from cutover.engines.api import ConditionNode, JsonText, JsonValue
from cutover.engines.errors import PayloadRefused
from cutover.engines.payloads import decode, encode
from cutover.engines.v2.planner import Frame, Step

__all__ = ["Unanswered", "choose", "evaluate", "iteration", "list_items"]


class Unanswered(Exception):
    """An expression that has no usable value; the message says why, and the step fails with it."""


def evaluate(step: Step, expression: str) -> JsonValue:
    """The value of the node's JMESPath expression on the step's input; raises Unanswered."""
    try:
        value: JsonValue = step.frame.graph.expressions[step.index].search(decode(step.given or "null"))
    except (
        JMESPathError,
        ArithmeticError,
        AttributeError,
        LookupError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:
        raise Unanswered(f"{expression!r} has no value on this input: {error}") from error
    return value


def choose(node: ConditionNode, value: JsonValue) -> str:
    """The port by which a condition leaves."""
    if not node.cases:
        return "true" if _is_true(value) else "false"
    return next((case.port for case in node.cases if _same(case.value, value)), "default")


def list_items(step: Step, expression: str) -> list[JsonText]:
    """Returns what a loop iterates over, each as JSON text; raises Unanswered where the value is not a list."""
    value = evaluate(step, expression)
    if not isinstance(value, list):
        raise Unanswered(f"{expression!r} returns no list to loop over on this input")
    try:
        return [encode(item) for item in value]
    except PayloadRefused as error:
        raise Unanswered(f"{expression!r} returns an item that cannot be kept: {error}") from error


def iteration(loop: Step, number: int, given: JsonText) -> Frame:
    """The frame of a loop's iteration, which becomes its present one; `number` counts from 0."""
    loop.iteration = number
    body = loop.frame.graph.bodies[loop.index]
    return Frame(body, given, prefix=f"{loop.step_id}[{number}]/", place=(*loop.place, number), loop=loop)


def _is_true(value: JsonValue) -> bool:
    """JMESPath's truth: every number is true, zero too."""
    return value is not None and value is not False and value not in ("", [], {})


def _same(left: JsonValue, right: JsonValue) -> bool:
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, int | float) and isinstance(right, int | float):
        return left == right
    return type(left) is type(right) and left == right
