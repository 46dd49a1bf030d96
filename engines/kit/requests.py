"""A request as an engine keeps it, and what is refused before anything is written. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from graphlib import CycleError, TopologicalSorter
from uuid import UUID

import jmespath
from pydantic import TypeAdapter, ValidationError

from cutover.engines.api import (
    ConditionNode,
    ExecutionRequest,
    JsonText,
    JsonValue,
    LoopNode,
    Node,
    Signal,
    StartNode,
    WaitNode,
    Workflow,
)
from cutover.engines.errors import PayloadRefused, WorkflowRefused
from cutover.engines.kit.durable import now_text
from cutover.engines.kit.shape import AGAIN, EXIT
from cutover.engines.payloads import decode, encode, storable_text

__all__ = ["StoredRequest", "check_signal", "request_text"]

_MOST_LEVELS = 50


@dataclass(frozen=True, slots=True)
class StoredRequest:
    """A request that was kept; `created_at` is when, by the machine's clock."""

    request: ExecutionRequest
    created_at: datetime

    @classmethod
    def of(cls, execution_id: UUID, text: JsonText) -> StoredRequest:
        """Returns what `request_text` was given."""
        kept = decode(text)
        assert isinstance(kept, dict)  # noqa: S101 - `request_text` writes no other
        metadata = kept["metadata"]
        assert isinstance(metadata, dict)  # noqa: S101 - as above
        request = ExecutionRequest(
            execution_id=execution_id,
            workflow=_adapter().validate_python(kept["workflow"]),
            input=kept["input"],
            metadata={key: str(value) for key, value in metadata.items()},
        )
        return cls(request, datetime.fromisoformat(str(kept["created_at"])))


def request_text(request: ExecutionRequest) -> JsonText:
    """Returns all of a request but its id as ASCII JSON, dated now.

    Raises PayloadRefused for an input that JSON cannot carry and for metadata that a column of text cannot, and
    WorkflowRefused for a workflow that breaks a rule.
    """
    encode(request.input)
    for text in (request.workflow.id, *request.metadata.keys(), *request.metadata.values()):
        if storable_text(text) != text:
            raise PayloadRefused(f"{text!r} has a NUL or half a character, which no column of text can hold")
    _check(request.workflow, repeat=False, depth=0)
    try:
        workflow: JsonValue = decode(json.dumps(_adapter().dump_python(request.workflow), allow_nan=False))
        _adapter().validate_python(workflow)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        raise WorkflowRefused(f"workflow: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    except (TypeError, ValueError, RecursionError) as error:
        raise WorkflowRefused(f"workflow {request.workflow.id!r} cannot be kept: {error}") from error
    # The input may nest as deeply as payloads may, so it stands beside the workflow and is not weighed again with it.
    rest = encode({"workflow": workflow, "metadata": dict(request.metadata), "created_at": now_text()})
    return f'{rest[:-1]},"input":{encode(request.input)}}}'


def check_signal(signal: Signal | None) -> None:
    """Raises PayloadRefused for a signal that cannot be kept."""
    if signal is None:
        return
    encode(signal.payload)
    for text in (signal.id, signal.name):
        if not text or storable_text(text) != text:
            raise PayloadRefused(f"a signal's id or name is {text!r}: it is empty, or has a NUL or half a character")


@cache
def _adapter() -> TypeAdapter[Workflow]:
    return TypeAdapter(Workflow)


def _check(workflow: Workflow, *, repeat: bool, depth: int) -> None:
    for problem in _problems(workflow, repeat=repeat):
        raise WorkflowRefused(f"workflow {workflow.id!r}: {problem}")
    if depth > _MOST_LEVELS:
        raise WorkflowRefused(f"workflow {workflow.id!r}: loops nest deeper than {_MOST_LEVELS} levels")
    for node in workflow.nodes:
        if isinstance(node, LoopNode):
            _check(node.body, repeat=node.repeat, depth=depth + 1)


def _problems(workflow: Workflow, *, repeat: bool) -> Iterator[str]:
    known: set[str] = set()
    for node in workflow.nodes:
        if not node.id or node.id[0] == "$" or "/" in node.id or storable_text(node.id) != node.id:
            yield f"node {node.id!r}: an id is a text without '/', NUL and half characters that begins with no '$'"
        if node.id in known:
            yield f"node {node.id!r}: another has the same id"
        known.add(node.id)
        yield from _node_problems(node)
    starts = [node.id for node in workflow.nodes if isinstance(node, StartNode)]
    if len(starts) != 1:
        yield f"it has {len(starts)} start nodes and needs one"
    order: TopologicalSorter[str] = TopologicalSorter()
    for edge in workflow.edges:
        where = f"edge {edge.source!r} -> {edge.target!r}"
        if edge.source not in known:
            yield f"{where}: no node is its source"
        way_out = edge.target == AGAIN or (edge.target.startswith(EXIT) and edge.target != EXIT)
        if edge.target in starts or (edge.target not in known and not (repeat and way_out)):
            yield f"{where}: nothing that an edge may lead to here"
        if storable_text(edge.port + edge.target) != edge.port + edge.target:
            yield f"{where}: a port has no NUL and no half character"
        order.add(edge.target, edge.source)
    try:
        order.prepare()
    except CycleError as error:
        yield f"its edges form a cycle: {' -> '.join(reversed(error.args[1]))}; fold it into a repeating loop"


def _node_problems(node: Node) -> Iterator[str]:
    match node:
        case WaitNode(signal=None, timeout_ms=None):
            yield f"wait {node.id!r} waits for nothing"
        case WaitNode(signal=str(name)) if not name or storable_text(name) != name:
            yield f"wait {node.id!r}: a signal's name is a text without NUL and half characters"
        case LoopNode() if (node.items is None) is not node.repeat:
            yield f"loop {node.id!r} needs exactly one of items and repeat"
        case LoopNode(items=str(expression)) | ConditionNode(expression=expression):
            try:
                jmespath.compile(expression)
            except (ValueError, RecursionError) as error:
                yield f"node {node.id!r}: {expression!r} is not JMESPath: {error}"
        case _:
            pass
