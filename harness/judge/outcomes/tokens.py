"""The tokens that a scenario plants in its data, by which executions that mix are found out. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

import msgspec

from cutover.engines.api import JsonValue
from cutover.scenarios.model import Scenario

__all__ = ["planted", "tokens_in"]

_TOKEN = re.compile(r"tok-[0-9a-f]{16}(?![0-9a-f])")
_MARK = "tok-"


def tokens_in(text: str) -> Sequence[str]:
    """Returns every token in the text, as often as it occurs."""
    return _TOKEN.findall(text) if _MARK in text else ()


def planted(scenario: Scenario) -> frozenset[str]:
    """Returns every token anywhere in the scenario. Tokens are ASCII, so they read the same in any codec's text."""
    try:
        return frozenset(tokens_in(msgspec.json.encode(scenario).decode()))
    except (ValueError, TypeError, OverflowError, RecursionError):  # a payload that this codec cannot carry
        return _slowly(scenario)


def _slowly(scenario: Scenario) -> frozenset[str]:
    texts = [scenario.id, scenario.title, repr(scenario.workflow), _text(scenario.input)]
    for name, responses in scenario.world.items():
        texts.append(name)
        for response in responses:
            texts += (_text(response.output), response.error or "")
    for signal in scenario.signals:
        texts += (signal.id, signal.name, _text(signal.payload))
    return frozenset(tokens_in("\n".join(texts)))


def _text(value: JsonValue) -> str:
    try:
        return json.dumps(value)
    except (TypeError, ValueError, RecursionError):
        return "\n".join(_strings(value))


def _strings(value: JsonValue) -> Iterator[str]:
    """All text in a value that JSON cannot carry, however deep it is."""
    pending = [value]
    while pending:
        part = pending.pop()
        if isinstance(part, str):
            yield part
        elif isinstance(part, list):
            pending += part
        elif isinstance(part, dict):
            yield from (str(key) for key in part)
            pending += part.values()
