"""A scenario to JSON text: to be read by people, or as one line. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any

from cutover.scenarios.errors import ScenarioError
from cutover.scenarios.model import Scenario

__all__ = ["dumps", "dumps_line"]

_WIDTH = 110
_OPENED_LEVELS = 12
_FIRST = ("schema_version", "id", "kind", "title", "origin", "tags", "input", "workflow", "world", "signals")
_KEPT = frozenset({"kind", "schema_version"})


def dumps(scenario: Scenario) -> str:
    """The scenario as JSON to be read by people: defaults left out, short parts on one line, the same text each time.

    Raises ScenarioError where a payload holds what JSON cannot.
    """
    return _written(scenario, lambda plain: _opened(plain, 0) + "\n")


def dumps_line(scenario: Scenario) -> str:
    """The scenario as one line of compact JSON, without the newline; what a `.jsonl` file holds. Raises as `dumps`."""
    return _written(scenario, lambda plain: json.dumps(plain, allow_nan=False, separators=(",", ":")))


def _written(scenario: Scenario, write: Callable[[Any], str]) -> str:
    try:
        text = write(_plain(scenario))
    except RecursionError:
        raise ScenarioError("nests too deeply to be written", source=scenario.id) from None
    except (ValueError, TypeError) as error:
        raise ScenarioError(f"has a payload that JSON cannot hold: {error}", source=scenario.id) from None
    return text


def _plain(value: Any) -> Any:
    """The model as lists and objects, without what equals its default; payloads as they are."""
    model: type = type(value)
    if is_dataclass(model):
        plain: dict[str, Any] = {}
        for name, payload, default in _fields(model):
            part = getattr(value, name)
            if payload:
                if part is not None:
                    plain[name] = part
            elif name in _KEPT or part != default:
                plain[name] = _plain(part)
        return plain
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    if isinstance(value, Mapping):
        return {key: _plain(part) for key, part in value.items()}
    return value


@cache
def _fields(model: type) -> tuple[tuple[str, bool, object], ...]:
    """A model's fields in the order in which they are written: name, whether a payload, default."""
    known = [
        (item.name, item.type == "Payload", item.default if item.default_factory is MISSING else item.default_factory())
        for item in fields(model)
    ]
    return tuple(sorted(known, key=lambda item: _FIRST.index(item[0]) if item[0] in _FIRST else len(_FIRST)))


def _opened(value: Any, level: int) -> str:
    """JSON with a line for each part that is too long for one; deep down all is on one line."""
    flat = json.dumps(value, allow_nan=False)
    if len(flat) + 2 * level <= _WIDTH or level >= _OPENED_LEVELS or not value or not isinstance(value, dict | list):
        return flat
    inner = "  " * (level + 1)
    if isinstance(value, dict):
        parts = [f"{inner}{json.dumps(key)}: {_opened(part, level + 1)}" for key, part in value.items()]
        return "{\n" + ",\n".join(parts) + "\n" + "  " * level + "}"
    parts = [inner + _opened(part, level + 1) for part in value]
    return "[\n" + ",\n".join(parts) + "\n" + "  " * level + "]"
