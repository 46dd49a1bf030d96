"""Scenarios as files: `.json` holds one, `.jsonl` and `.jsonl.gz` one a line. Reads files; the rest is pure.

The standard library's JSON codec is used because payloads hold integers of any size and lone surrogates.
"""

from __future__ import annotations

import gzip
import io
import json
import math
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from scenarios.errors import ScenarioError
from scenarios.model import Scenario
from scenarios.validate import validate_scenario
from scenarios.wording import sentences

__all__ = ["MAX_BYTES", "MAX_DEPTH", "dumps", "dumps_line", "json_schema", "load", "load_folder", "loads"]

MAX_BYTES = 32 * 1024 * 1024
"""Size of one scenario's JSON."""
MAX_DEPTH = 600
"""Levels of lists and objects in one scenario's JSON; a payload of the deepest kind that an engine keeps fits."""
_SUFFIXES = (".json", ".jsonl", ".jsonl.gz")
_WIDTH = 110
_OPENED_LEVELS = 12
_FIRST = ("schema_version", "id", "kind", "title", "origin", "tags", "input", "workflow", "world", "signals")
_KEPT = frozenset({"kind", "schema_version"})


def load(path: Path | str) -> Scenario:
    """The only scenario of a file. Raises ScenarioError, which names the file, the place in it and the rule."""
    found = load_folder(path) if Path(path).is_file() else ()
    if len(found) != 1:
        problem = f"holds {len(found)} scenarios where one is wanted" if found else "there is no such file"
        raise ScenarioError(problem, source=str(path))
    return found[0]


def load_folder(path: Path | str) -> tuple[Scenario, ...]:
    """Every scenario of a file, or of all scenario files in a folder and its subfolders, by file name.

    Raises ScenarioError for the first file that is no scenario, for an id that comes twice, and where there is none.
    """
    root = Path(path)
    if root.is_dir():
        files = sorted(file for file in root.rglob("*") if file.name.endswith(_SUFFIXES) and file.is_file())
    elif root.is_file() and root.name.endswith(_SUFFIXES):
        files = [root]
    else:
        problem = (
            f"is no file of scenarios ({', '.join(_SUFFIXES)})" if root.exists() else "there is no such file or folder"
        )
        raise ScenarioError(problem, source=str(root))
    origins: dict[str, str] = {}
    scenarios: list[Scenario] = []
    for file in files:
        for text, source in _texts(file):
            scenario = loads(text, source)
            if first := origins.get(scenario.id):
                raise ScenarioError(f"$.id: {first} has a scenario of the same id, {scenario.id}", source=source)
            origins[scenario.id] = source
            scenarios.append(scenario)
    if not scenarios:
        raise ScenarioError("holds no scenario", source=str(root))
    return tuple(scenarios)


def loads(text: str, name: str = "scenario") -> Scenario:
    """The scenario in a JSON text, validated; `name` says in errors where the text is from."""
    try:
        data = _parse(text)
        scenario = _build(data)
        validate_scenario(scenario)
    except ScenarioError as error:
        raise ScenarioError(*error.problems, source=name) from None
    except RecursionError:
        raise ScenarioError("nests too deeply to be read", source=name) from None
    return scenario


def dumps(scenario: Scenario) -> str:
    """The scenario as JSON to be read by people: defaults left out, short parts on one line, the same text each time.

    Raises ScenarioError where a payload holds what JSON cannot.
    """
    return _written(scenario, lambda plain: _opened(plain, 0) + "\n")


def dumps_line(scenario: Scenario) -> str:
    """The scenario as one line of compact JSON, without the newline; what a `.jsonl` file holds."""
    return _written(scenario, lambda plain: json.dumps(plain, allow_nan=False, separators=(",", ":")))


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


def _texts(file: Path) -> Iterator[tuple[str, str]]:
    """The JSON texts in a file, each with its name for errors."""
    try:
        if file.name.endswith(".json"):
            with file.open("rb") as stream:
                yield _decoded(stream.read(MAX_BYTES + 1), str(file)), str(file)
            return
        with file.open("rb") as raw:
            stream = io.BufferedReader(gzip.GzipFile(fileobj=raw)) if file.name.endswith(".gz") else raw
            for number, line in enumerate(_lines(stream), start=1):
                if line.strip():
                    yield _decoded(line, f"{file}:{number}"), f"{file}:{number}"
    except (OSError, EOFError, zlib.error) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ScenarioError(f"cannot be read: {reason}", source=str(file)) from None


def _lines(stream: io.BufferedReader) -> Iterator[bytes]:
    while line := stream.readline(MAX_BYTES + 2):
        yield line.rstrip(b"\n")


def _decoded(data: bytes, source: str) -> str:
    if len(data) > MAX_BYTES:
        raise ScenarioError(f"is larger than {MAX_BYTES:,} bytes, the most that is read", source=source)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ScenarioError(f"is no UTF-8 at byte {error.start:,}", source=source) from None


def _parse(text: str) -> object:
    if len(text) > MAX_BYTES:
        raise ScenarioError(f"is larger than {MAX_BYTES:,} characters, the most that is read")
    try:
        data: object = json.loads(text, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        raise ScenarioError(f"is no JSON at line {error.lineno}, column {error.colno}: {error.msg}") from None
    except ValueError:  # Python's own limit on the digits of an integer
        raise ScenarioError("has an integer of more digits than Python reads") from None
    _check_values(data)
    return data


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ScenarioError(f"has an object with the key {twice!a} twice, so one of the values would be lost")
    return found


def _check_values(data: object) -> None:
    """Refuses NaN, the infinities and depth, with the path; walks without recursion."""
    pending: list[tuple[object, str, int]] = [(data, "$", 1)]
    while pending:
        part, path, depth = pending.pop()
        if depth > MAX_DEPTH:
            raise ScenarioError(f"{path[:100]}: nests deeper than {MAX_DEPTH} levels")
        if isinstance(part, dict):
            pending.extend((item, f"{path}.{key}", depth + 1) for key, item in part.items() if _may_hold(item))
        elif isinstance(part, list):
            pending.extend((item, f"{path}[{i}]", depth + 1) for i, item in enumerate(part) if _may_hold(item))
        elif isinstance(part, float) and not math.isfinite(part):
            raise ScenarioError(f"{path[:200]}: {part} is no JSON number")


def _may_hold(item: object) -> bool:
    return isinstance(item, dict | list | float)


def _build(data: object) -> Scenario:
    try:
        scenario = _adapter().validate_python(data)
    except ValidationError as error:
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
