"""What the world answers and what an expression says, worked out from the scenario for the reference model. Pure."""

from __future__ import annotations

import hashlib
import json
import re

import jmespath

from cutover.engines.api import ConditionNode, JsonValue, RetryPolicy
from cutover.scenarios.expressions import excess
from cutover.scenarios.model import Response, Scenario

__all__ = ["NoValue", "delay_band", "digest", "evaluate", "has_effect", "output_of", "ports_of", "response_to"]

_canonical = json.JSONEncoder(sort_keys=True, ensure_ascii=True, separators=(",", ":")).encode
_ITERATION = re.compile(r"\[\d+\]")


class NoValue(Exception):
    """An expression that raises; never leaves the reference model."""


def response_to(scenario: Scenario, step_id: str, activity: str, attempt: int) -> Response:
    """Returns the response to one attempt (from 1), by step id, path or activity; a final error if none is planned."""
    for name in (step_id, _ITERATION.sub("", step_id), activity):
        responses = scenario.world.get(name)
        if responses:
            return responses[min(attempt, len(responses)) - 1]
    return Response(error=f"the scenario plans no response for step {step_id}", retryable=False)


def digest(value: JsonValue) -> str:
    """Returns the first 16 hex digits of the SHA-256 of the value's canonical JSON."""
    return hashlib.sha256(_canonical(value).encode()).hexdigest()[:16]


def output_of(response: Response, given: JsonValue) -> JsonValue:
    """Returns what a successful response brings back."""
    if response.echo:
        return {"value": response.output, "input": digest(given)}
    return response.output


def has_effect(response: Response) -> bool:
    """Whether the call changes the outside world."""
    return response.error is None if response.effect is None else response.effect


def delay_band(retry: RetryPolicy, k: int) -> tuple[float, float]:
    """Returns the least and the most that retry k (from 0) is delayed, in ms."""
    try:
        longest = min(float(retry.cap_ms), retry.initial_ms * retry.factor**k)
    except OverflowError:
        longest = float(retry.cap_ms)
    return longest * (1 - retry.jitter), longest


def evaluate(expression: str, value: JsonValue) -> JsonValue:
    """Returns the expression's value. Raises NoValue for whatever the expression raises, and for one without bound."""
    if too_much := excess(expression, 0):
        raise NoValue(too_much)
    try:
        found: JsonValue = jmespath.search(expression, value)
    except Exception as error:  # a broken expression fails the step, whichever way it breaks
        raise NoValue(str(error)) from error
    return found


def ports_of(node: ConditionNode, value: JsonValue) -> tuple[str, ...]:
    """Returns the port that a condition leaves by. Raises NoValue."""
    found = evaluate(node.expression, value)
    if not node.cases:
        nothing = found is None or found is False or (isinstance(found, str | list | dict) and not found)
        return ("false" if nothing else "true",)
    for case in node.cases:
        alike = isinstance(found, bool) == isinstance(case.value, bool)
        if alike and found == case.value:
            return (case.port,)
    return ("default",)
