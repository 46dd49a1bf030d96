"""What the legacy engine asks of a workflow before it starts one, and the workflow as stored text. Pure."""

from __future__ import annotations

from collections import Counter
from functools import cache
from graphlib import CycleError, TopologicalSorter

import jmespath
from pydantic import TypeAdapter, ValidationError

from cutover.engines.api import ConditionNode, Edge, JsonText, LoopNode, StartNode, WaitNode, Workflow
from cutover.engines.errors import WorkflowRefused
from cutover.engines.payloads import decode, encode, storable_text

__all__ = ["AGAIN", "EXIT", "read_workflow", "workflow_text"]

AGAIN = "$again"
EXIT = "$exit."
_MAX_LOOP_DEPTH = 50


def workflow_text(workflow: Workflow) -> JsonText:
    """The definition as it is stored; raises WorkflowRefused, naming the node or edge and the rule it breaks."""
    _check(workflow, where="", repeats=False)
    text = encode(_adapter().dump_python(workflow, mode="json", warnings=False))
    read_workflow(text)
    return text


def read_workflow(text: JsonText) -> Workflow:
    """The workflow that `workflow_text` was given; raises WorkflowRefused where a value is out of its range."""
    try:
        return _adapter().validate_python(decode(text))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        path = ".".join(str(part) for part in first["loc"])
        raise WorkflowRefused(f"workflow: {path}: {first['msg']}") from error


@cache
def _adapter() -> TypeAdapter[Workflow]:
    return TypeAdapter(Workflow)


def _check(workflow: Workflow, *, where: str, repeats: bool, depth: int = 0) -> None:
    at = f"workflow {workflow.id!r}{where}"
    if depth > _MAX_LOOP_DEPTH:
        raise WorkflowRefused(f"{at}: loops nest deeper than {_MAX_LOOP_DEPTH} levels")
    ids = [node.id for node in workflow.nodes]
    for name in (workflow.id, *ids):
        if not name or name.startswith("$") or storable_text(name) != name:
            raise WorkflowRefused(f"{at}: id {name!r} is empty, begins with $, or has a NUL or lone surrogate")
    for name, count in Counter(ids).items():
        if "/" in name:
            raise WorkflowRefused(f"{at}: node {name!r} has a '/', which is kept for steps inside loops")
        if count > 1:
            raise WorkflowRefused(f"{at}: {count} nodes are named {name!r}; ids are unique")
    starts = [node.id for node in workflow.nodes if isinstance(node, StartNode)]
    if len(starts) != 1:
        raise WorkflowRefused(f"{at}: needs exactly one start node, has {len(starts)}")
    for edge in workflow.edges:
        _check_edge(edge, at, set(ids), starts[0], repeats=repeats)
    _check_cycles(workflow, at)
    _check_nodes(workflow, at, depth)


def _check_nodes(workflow: Workflow, at: str, depth: int) -> None:
    for node in workflow.nodes:
        if isinstance(node, WaitNode) and node.signal is None and node.timeout_ms is None:
            raise WorkflowRefused(f"{at}: wait {node.id!r} has neither a signal nor a timer")
        if isinstance(node, ConditionNode):
            _check_expression(node.expression, f"{at}: condition {node.id!r}")
        if isinstance(node, LoopNode):
            _check_expression(node.items, f"{at}: loop {node.id!r}")
            if (node.items is not None) == node.repeat:
                raise WorkflowRefused(f"{at}: loop {node.id!r} needs exactly one of items and repeat")
            _check(node.body, where=f" in loop {node.id!r}", repeats=node.repeat, depth=depth + 1)


def _check_expression(expression: str | None, at: str) -> None:
    try:
        if expression is not None:
            jmespath.compile(expression)
    except (ValueError, RecursionError) as error:  # JMESPath's own errors are ValueErrors
        raise WorkflowRefused(f"{at}: {expression!r} is not JMESPath: {error}") from error


def _check_edge(edge: Edge, at: str, ids: set[str], start: str, *, repeats: bool) -> None:
    shown = f"{at}: edge {edge.source!r} -> {edge.target!r}"
    if edge.source not in ids:
        raise WorkflowRefused(f"{shown}: no node is named {edge.source!r}")
    if storable_text(edge.port) != edge.port:
        raise WorkflowRefused(f"{shown}: port {edge.port!r} has a NUL or lone surrogate")
    if edge.target == start:
        raise WorkflowRefused(f"{shown}: no edge leads to the start node")
    if edge.target in ids:
        return
    special = edge.target == AGAIN or (edge.target.startswith(EXIT) and len(edge.target) > len(EXIT))
    if not special:
        raise WorkflowRefused(f"{shown}: no node is named {edge.target!r}")
    if not repeats:
        raise WorkflowRefused(f"{shown}: {edge.target} is for the body of a repeating loop")


def _check_cycles(workflow: Workflow, at: str) -> None:
    graph: TopologicalSorter[str] = TopologicalSorter()
    for edge in workflow.edges:
        graph.add(edge.target, edge.source)
    try:
        graph.prepare()
    except CycleError as error:
        path = " -> ".join(reversed(error.args[1]))
        raise WorkflowRefused(f"{at}: the edges form a cycle: {path}; fold it into a repeating loop") from error
