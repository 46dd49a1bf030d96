"""JSON text to a scenario: parsed, built and validated, or refused with the place and the rule. Pure.

The standard library's JSON codec is used because payloads hold integers of any size and lone surrogates.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from cutover.scenarios.errors import ScenarioError
from cutover.scenarios.inputs.limits import SCENARIO_BYTES, SCENARIO_LEVELS, SCENARIO_PARTS
from cutover.scenarios.model import Scenario
from cutover.scenarios.validate import validate_scenario
from cutover.scenarios.wording import sentences

__all__ = ["json_schema", "loads"]

_PAYLOADS = frozenset({"input", "output", "payload"})
_TOLD_OF = 10_000
"""A file with more problems is told their number alone: each in words takes a thousand bytes."""


def loads(text: str, name: str = "scenario") -> Scenario:
    """The scenario in a JSON text, validated. Raises ScenarioError; `name` says there where the text is from."""
    try:
        data = _parse(text)
        scenario = _build(data)
        validate_scenario(scenario)
    except ScenarioError as error:
        raise ScenarioError(*error.problems, source=name) from None
    except RecursionError:
        raise ScenarioError("nests too deeply to be read", source=name) from None
    return scenario


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a scenario file; the copy in scenarios/schema is this."""
    schema = _adapter().json_schema()
    for definition in schema["$defs"].values():
        if "kind" in definition.get("properties", {}):
            definition["required"] = sorted({*definition.get("required", ()), "kind"})
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "urn:cutover:scenario:1"}
    return {**head, **schema}


@cache
def _adapter() -> TypeAdapter[Scenario]:
    return TypeAdapter(Scenario)


def _parse(text: str) -> object:
    if len(text) > SCENARIO_BYTES.most:
        raise ScenarioError(f"is larger than {SCENARIO_BYTES.most:,} characters, the most that is read")
    try:
        data: object = json.loads(text, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        raise ScenarioError(f"is not JSON at line {error.lineno}, column {error.colno}: {error.msg}") from None
    except ValueError:  # Python's own limit on the digits of an integer
        raise ScenarioError("has an integer of more digits than Python reads") from None
    _check_values(data)
    return data


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)
        raise ScenarioError(f"has an object with the key {twice!a} twice, so one of the values would be lost")
    return found


def _check_values(data: object) -> None:
    """Refuses NaN, the infinities and depth, with the path; walks without recursion."""
    pending: list[tuple[object, str, int]] = [(data, "$", 1)]
    while pending:
        part, path, depth = pending.pop()
        if depth > SCENARIO_LEVELS.most:
            raise ScenarioError(f"{path[:100]}: nests deeper than {SCENARIO_LEVELS}")
        if isinstance(part, dict):
            pending.extend((item, f"{path}.{key}", depth + 1) for key, item in part.items() if _may_hold(item))
        elif isinstance(part, list):
            pending.extend((item, f"{path}[{i}]", depth + 1) for i, item in enumerate(part) if _may_hold(item))
        elif isinstance(part, float) and not math.isfinite(part):
            raise ScenarioError(f"{path[:200]}: {part} is not a JSON number")


def _may_hold(item: object) -> bool:
    return isinstance(item, dict | list | float)


def _check_parts(data: object) -> None:
    """Refuses what is far from a scenario before each of its parts is told to be wrong; payloads are not counted."""
    pending = [data]
    count = 0
    while pending:
        part = pending.pop()
        if isinstance(part, dict):
            count += len(part)
            pending.extend(item for key, item in part.items() if key not in _PAYLOADS and isinstance(item, dict | list))
        elif isinstance(part, list):
            count += len(part)
            pending.extend(item for item in part if isinstance(item, dict | list))
        if count > SCENARIO_PARTS.most:
            raise ScenarioError(f"has more than {SCENARIO_PARTS} outside its payloads, the most that is read")


def _build(data: object) -> Scenario:
    _check_parts(data)
    try:
        scenario = _adapter().validate_python(data)
    except ValidationError as error:
        if error.error_count() > _TOLD_OF:
            raise ScenarioError(f"has {error.error_count():,} problems, so it is hardly a scenario") from None
        details = error.errors(include_url=False, include_context=True, include_input=False)
        raise ScenarioError(*sentences(details)) from None
    if converted := tuple(_converted(data, scenario, "$")):
        raise ScenarioError(*converted)
    return scenario


def _converted(given: Any, kept: object, path: str) -> Iterator[str]:
    """Values that the reader turned into another type, such as "3" into 3: a file says what it means."""
    if is_dataclass(kept):
        for item in fields(kept):
            if item.name in given and item.type != "Payload":
                yield from _converted(given[item.name], getattr(kept, item.name), f"{path}.{item.name}")
    elif isinstance(kept, tuple):
        for i, (before, after) in enumerate(zip(given, kept, strict=True)):
            yield from _converted(before, after, f"{path}[{i}]")
    elif isinstance(kept, Mapping):
        for key, after in kept.items():
            yield from _converted(given[key], after, f"{path}.{key}")
    elif type(given) is not type(kept) and not (isinstance(kept, float) and type(given) is int):
        wanted = {bool: "true or false", int: "a whole number", float: "a number"}.get(type(kept), "text")
        yield f"{path}: must be {wanted}"
