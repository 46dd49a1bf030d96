"""An n8n workflow file as it was saved, checked and reduced to what has a meaning here. Reads files, writes none."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from cutover.scenarios.importers.imported import ImportRefused
from cutover.scenarios.inputs.files import FileRefused, read_bytes
from cutover.scenarios.inputs.limits import N8N_BYTES, N8N_CONNECTIONS, N8N_NODES

__all__ = [
    "NodeConnection",
    "SourceNode",
    "WorkflowFile",
    "as_float",
    "parse_source",
    "read_json",
]

_LARGEST = 10**18
_NOTE = "n8n-nodes-base.stickyNote"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceNode:
    """One n8n node. `settings` are its own switches (retries, errors); parameters are read, never kept."""

    name: str
    type: str
    version: float
    position: tuple[float, float]
    disabled: bool
    settings: Mapping[str, Any]
    parameters: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """The type without its package: `httpRequest`."""
        return self.type.rsplit(".", 1)[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeConnection:
    """A `main` connection: data flows from an output to an input, both counted from 0."""

    source: str
    output: int
    target: str
    input: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowFile:
    """A checked workflow. `attached` are the nodes that only serve another one (models, tools, memories)."""

    name: str
    depth_first: bool
    nodes: Mapping[str, SourceNode]
    connections: tuple[NodeConnection, ...]
    attached: frozenset[str]
    pinned: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def read_json(path: Path) -> Any:
    """The file's JSON value; raises ImportRefused where it is too large, unreadable or no JSON."""
    try:
        return json.loads(read_bytes(path, N8N_BYTES), parse_constant=_no_number, parse_float=_number)
    except FileRefused as error:
        raise ImportRefused(error.reason) from error
    except RecursionError as error:
        raise ImportRefused("JSON nests too deep to be read") from error
    except ValueError as error:
        long = "has an integer of more digits than Python reads"
        raise ImportRefused(long if "digits" in str(error) else f"no JSON: {error}") from error


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a JSON number")


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} is larger than any number that is kept")
    return number


def parse_source(document: Any) -> WorkflowFile:
    """The workflow in a JSON value; raises ImportRefused with the path inside it and the rule."""
    if not isinstance(document, dict) or not isinstance(document.get("nodes"), list):
        raise ImportRefused(
            "$: not an n8n workflow, which is an object with a list `nodes` and an object `connections`"
        )
    listed: list[Any] = document["nodes"]
    if len(listed) > N8N_NODES.most:
        raise ImportRefused(f"$.nodes: {len(listed):,} nodes; at most {N8N_NODES.most:,} are imported")
    nodes: dict[str, SourceNode] = {}
    sticky: set[str] = set()
    for i, raw in enumerate(listed):
        node = _node(raw, f"$.nodes[{i}]")
        if node.name in nodes or node.name in sticky:
            raise ImportRefused(f"$.nodes[{i}].name: {node.name!r} names two nodes; connections could mean either")
        if node.type == _NOTE:
            sticky.add(node.name)
        else:
            nodes[node.name] = node
    main, attached = _connections(document.get("connections"), nodes)
    notes = [f"{len(sticky)} sticky notes: text beside the workflow"] if sticky else []
    if attached:
        notes.append(f"{len(attached)} attached nodes (models, tools, memories): part of the node they serve")
    settings = document.get("settings")
    pinned = document.get("pinData")
    return WorkflowFile(
        name=str(document.get("name") or ""),
        depth_first=isinstance(settings, dict) and settings.get("executionOrder") == "v1",
        nodes=nodes,
        connections=main,
        attached=attached,
        pinned=pinned if isinstance(pinned, dict) else {},
        notes=tuple(notes),
    )


def _node(raw: Any, path: str) -> SourceNode:
    if not isinstance(raw, dict):
        raise ImportRefused(f"{path}: a node is an object")
    for key in ("name", "type"):
        if not isinstance(raw.get(key), str) or not raw[key]:
            raise ImportRefused(f"{path}.{key}: a node has a {key}, a string")
    parameters, position, version = raw.get("parameters"), raw.get("position"), raw.get("typeVersion")
    known = isinstance(position, list) and len(position) == 2 and all(_is_number(part) for part in position)
    return SourceNode(
        name=raw["name"],
        type=raw["type"],
        version=as_float(version) if isinstance(version, int | float) else 1.0,
        position=(as_float(position[0]), as_float(position[1])) if known and position else (0.0, 0.0),
        disabled=raw.get("disabled") is True,
        settings={key: raw[key] for key in _SETTINGS if key in raw},
        parameters=parameters if isinstance(parameters, dict) else {},
    )


_SETTINGS = ("retryOnFail", "maxTries", "waitBetweenTries", "continueOnFail", "onError")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def as_float(number: float) -> float:
    """A number of a file as a float; one that no clock, version or position needs is cut to 1e18."""
    return float(max(-_LARGEST, min(_LARGEST, number)))


def _connections(raw: Any, nodes: Mapping[str, SourceNode]) -> tuple[tuple[NodeConnection, ...], frozenset[str]]:
    """The `main` connections in file order, and the nodes that have other ones."""
    if not isinstance(raw, dict):
        raise ImportRefused("$.connections: an object from node names to their connections is needed")
    main: list[NodeConnection] = []
    attached: set[str] = set()
    for source, kinds in raw.items():
        path = f"$.connections[{source!r}]"
        for kind, outputs in _object(kinds, path).items():
            for i, output in enumerate(_list(outputs, f"{path}.{kind}")):
                for j, end in enumerate(_list(output, f"{path}.{kind}[{i}]")):
                    target, index = _end(end, f"{path}.{kind}[{i}][{j}]")
                    for name, place in ((source, path), (target, f"{path}.{kind}[{i}][{j}].node")):
                        if name not in nodes:
                            raise ImportRefused(f"{place}: dangling edge, no node is called {name!r}")
                    if kind == "main":
                        main.append(NodeConnection(source=source, output=i, target=target, input=index))
                    else:
                        attached.add(source)
    if len(main) > N8N_CONNECTIONS.most:
        raise ImportRefused(f"$.connections: {len(main):,} connections; at most {N8N_CONNECTIONS.most:,} are imported")
    flowing = {end for one in main for end in (one.source, one.target)}
    return tuple(dict.fromkeys(main)), frozenset(attached - flowing)


def _object(value: Any, path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ImportRefused(f"{path}: an object from connection kinds to outputs is needed")
    return value


def _list(value: Any, path: str) -> list[Any]:
    if value is not None and not isinstance(value, list):
        raise ImportRefused(f"{path}: a list is needed")
    return value or []


def _end(value: Any, path: str) -> tuple[str, int]:
    if not isinstance(value, dict) or not isinstance(value.get("node"), str):
        raise ImportRefused(f"{path}: a connection's end is an object with the name of a `node`")
    index = value.get("index", 0)
    return value["node"], index if isinstance(index, int) else 0
