"""Messages as lines: those to an engine as they are written, those from it as they are read, their schema. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any, Final, TypeVar
from uuid import UUID

from pydantic import JsonValue, TypeAdapter, ValidationError

from cutover.engines.api import ConditionNode, Workflow
from cutover.engines.byprocess.faults import BrokenProtocol
from cutover.engines.byprocess.http.orders import LogLine, ServiceOrder, SleepOver, SleepUntil
from cutover.engines.byprocess.messages import PROTOCOL, FromEngine, ToEngine
from cutover.engines.payloads import encode

__all__ = ["checked", "json_schema", "plain", "read", "written"]

_FROM: Final[TypeAdapter[FromEngine]] = TypeAdapter(FromEngine)
_TO: Final[TypeAdapter[ToEngine]] = TypeAdapter(ToEngine)
_SHOWN: Final = 120
_T = TypeVar("_T")
_adapters: dict[type[Any], TypeAdapter[Any]] = {}
_MAYBE_HALF: Final = re.compile(rb"\\u[dD][89a-fA-F]|\xed")
"""What a line has that has half a character, and many others have too."""
_HALF: Final = re.compile("[\ud800-\udfff]")
_GIVEN: Final = frozenset({"step_id", "node_id", "current_node_id", "workflow_id", "activity", "ports", "metadata"})
_TOLD: Final = frozenset({"line", "message", "trace", "error"})
"""Keys of what an engine gives back as it was given, and of what people read."""
_CASE_VALUE: Final = {"title": "Value", "type": "string", "description": "JSON as text"}


def written(message: ToEngine) -> bytes:
    """Returns a message as one line, its end included; all of it is ASCII."""
    return json.dumps(plain(message), separators=(",", ":")).encode("ascii") + b"\n"


def read(line: bytes) -> FromEngine:
    """Returns the message of a line. Raises BrokenProtocol."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or "op" not in found:
        raise BrokenProtocol(
            f"it wrote to standard output what is not a message of the protocol: {_quoted(line)}; messages alone go "
            "there, one a line, and all else to standard error"
        )
    if half := _half_in(line, found):
        raise BrokenProtocol(f"its message {_quoted(line)} is wrong: {half}; see docs/protocol.md")
    try:
        return _FROM.validate_python(found)
    except ValidationError as error:
        raise BrokenProtocol(
            f"its message {_quoted(line)} is wrong: {_explained(error)}; see docs/protocol.md"
        ) from None


def _half_in(raw: bytes, message: dict[str, object]) -> str:
    """Returns where a message that came as `raw` has half a character and must not, or nothing."""
    place = next(_halves(message), "") if _MAYBE_HALF.search(raw) else ""
    return f"{place} has half a character (a lone surrogate)" if place else ""


def _halves(message: dict[str, object]) -> Iterator[str]:
    """Yields which texts of a message have half a character and must not, keys of its objects too."""
    waiting: list[tuple[str, object]] = [("", message)]
    while waiting:
        place, found = waiting.pop()
        name = place.rpartition(".")[2]
        match found:
            case dict() if name not in _GIVEN:
                yield from (f"the key {key!a}" for key in found if _HALF.search(key))
                waiting += [(f"{place}.{key}" if place else key, value) for key, value in found.items()]
            case list() if name not in _GIVEN:
                waiting += [(f"{place}.{number}", value) for number, value in enumerate(found)]
            case str() if name not in _GIVEN | _TOLD and _HALF.search(found):
                yield ascii(place).strip("'")


def checked(kind: type[_T], values: dict[str, Any], what: str, raw: bytes = b"") -> _T:
    """Returns values that came by HTTP, in a body `raw`, as a document of that kind; `what` they are.

    Raises BrokenProtocol.
    """
    if half := _half_in(raw, values):
        raise BrokenProtocol(f"{what} is wrong: {half}; see docs/http.md")
    try:
        found: _T = _adapter(kind).validate_python(values)
    except ValidationError as error:
        raise BrokenProtocol(f"{what} is wrong: {_explained(error)}; see docs/http.md") from None
    return found


def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    if kind not in _adapters:
        _adapters[kind] = TypeAdapter(kind)
    return _adapters[kind]


def json_schema() -> dict[str, JsonValue]:
    """Returns the JSON Schema of a line in either direction, as `protocol.schema.json` publishes it.

    Its definitions have the bodies of what goes by HTTP, too.
    """
    schemas, found = TypeAdapter.json_schemas(
        [
            ("ToEngine", "serialization", _TO),
            ("FromEngine", "validation", _FROM),
            *((kind, "serialization", _adapter(kind)) for kind in (ServiceOrder, SleepOver)),
            *((kind, "validation", _adapter(kind)) for kind in (SleepUntil, LogLine)),
        ],
        ref_template="#/$defs/{model}",
    )
    definitions = found["$defs"]
    directions = {name: schema for (name, _), schema in schemas.items() if isinstance(name, str)}
    definitions["Case"]["properties"]["value"] = _CASE_VALUE
    for each in definitions.values():
        if "op" in each.get("properties", {}) and "op" not in each["required"]:
            each["required"].insert(0, "op")
    definitions |= directions
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Cutover engine protocol, version {PROTOCOL}",
        "anyOf": [{"$ref": f"#/$defs/{name}"} for name in directions],
        "$defs": definitions,
    }


def plain(value: Any) -> Any:
    """Returns what JSON has for a value of the messages; what is absent in an answer is left out."""
    match value:
        case Workflow():
            return _workflow(value)
        case datetime():
            return value.isoformat(timespec="microseconds")
        case UUID():
            return str(value)
        case tuple():
            return [plain(each) for each in value]
        case _ if is_dataclass(value):
            return {each.name: plain(getattr(value, each.name)) for each in fields(value)}
    return value


def _workflow(workflow: Workflow) -> dict[str, Any]:
    nodes = []
    for node in workflow.nodes:
        each = {field.name: plain(getattr(node, field.name)) for field in fields(node)}
        if isinstance(node, ConditionNode):
            each["cases"] = [{"port": case.port, "value": encode(case.value)} for case in node.cases]
        nodes.append(each)
    return {"id": workflow.id, "nodes": nodes, "edges": [plain(edge) for edge in workflow.edges]}


def _explained(error: ValidationError) -> str:
    first, *more = error.errors(include_url=False, include_input=False)
    place = ".".join(str(part) for part in first["loc"]) or "op"
    said = first["msg"].removeprefix("Value error, ")
    return f"{place}: {said}" + (f", and {len(more)} more" if more else "")


def _quoted(line: bytes) -> str:
    text = line[:_SHOWN].decode("utf-8", "replace").rstrip()
    return ascii(text) + ("..." if len(line) > _SHOWN else "")
