"""Finds the step of a workflow that stands for each run n8n recorded, through copies and iterations. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from cutover.engines.api import Edge, LoopNode, StartNode, Workflow
from cutover.scenarios.importers.n8n.execution import Execution, NodeRun
from cutover.scenarios.importers.n8n.flow import AGAIN, EXIT
from cutover.scenarios.importers.n8n.nodes import port_name
from cutover.scenarios.importers.n8n.source import WorkflowFile
from cutover.scenarios.importers.n8n.workflow import Built, plain_path

__all__ = ["Places", "locate"]

_RunPlace: TypeAlias = tuple[tuple[tuple[str, int], ...], str]
_ITERATION = re.compile(r"\[\d+\](?=/)")


@dataclass(slots=True)
class Places:
    """The step of each run that has one, by start, the ports it left by, and what has no exact counterpart."""

    steps: dict[str, NodeRun] = field(default_factory=dict)
    ports: dict[str, set[str]] = field(default_factory=dict)
    unlike: list[str] = field(default_factory=list)

    def iterations(self) -> dict[str, int]:
        """How many iterations each loop had, by its path."""
        counts: dict[str, int] = {}
        for step_id in self.steps:
            for end in (found.end() for found in _ITERATION.finditer(step_id)):
                path, _, number = step_id[:end].rstrip("]").rpartition("[")
                counts[plain_path(path)] = max(counts.get(plain_path(path), 0), int(number) + 1)
        return counts


def locate(built: Built, execution: Execution, source: WorkflowFile) -> Places:
    """The places of an execution's runs in the workflow that was built for its start."""
    walk = _Walk(built, _levels(built.workflow))
    outputs: dict[str, int] = {}
    for one in source.connections:
        outputs[one.source] = max(outputs.get(one.source, 0), one.output + 1)
    placed: dict[tuple[str, int], _RunPlace] = {}
    found = Places()
    for run in execution.runs:
        place, came_by = None, list[tuple[str, str]]()
        for name, output, number in run.came:
            before = placed.get((name, number))
            if before is None:
                continue
            port = port_name(source.nodes[name], output, outputs.get(name, 1)) or "out"
            port = "out" if walk.is_start(before) else port
            came_by.append((_step_id(before), port))
            if place is None:
                place = walk.next_free(before, port, run.node, found.steps)
        if not run.came or not placed:
            place = walk.first(run.node, found.steps)
        if place is None:
            found.unlike.append(f"run {run.number + 1} of {run.node!r}: no step stands for it")
            continue
        placed[run.node, run.number] = place
        found.steps[_step_id(place)] = run
        found.ports.setdefault(_step_id(place), set())
        for step_id, port in came_by:
            found.ports[step_id].add(port)
    _add_silent_ports(found, placed, walk, source, outputs, ended=execution.status == "completed")
    return found


def _add_silent_ports(
    found: Places,
    placed: dict[tuple[str, int], _RunPlace],
    walk: _Walk,
    source: WorkflowFile,
    outputs: dict[str, int],
    *,
    ended: bool,
) -> None:
    """Adds the ports that had items but lead to no other run, and says where n8n stopped short of one."""
    for place in placed.values():
        step_id = _step_id(place)
        run = found.steps[step_id]
        for output, items in enumerate(run.outputs):
            port = port_name(source.nodes[run.node], output, outputs.get(run.node, 1))
            port = "out" if walk.is_start(place) else port
            if not items or port is None or run.status == "failed":
                continue
            after = [_step_id(target) for target in walk.after(place, port)]
            missing = [target for target in after if target not in found.steps]
            if not after or (missing and len(missing) < len(after)):
                found.ports[step_id].add(port)
            if missing and ended:
                found.unlike.append(f"{run.node!r} gave items for {missing[0]!r}, which n8n did not run")


def _step_id(place: _RunPlace) -> str:
    return "".join(f"{loop}[{i}]/" for loop, i in place[0]) + place[1]


def _levels(workflow: Workflow) -> dict[tuple[str, ...], Workflow]:
    found: dict[tuple[str, ...], Workflow] = {}
    pending: list[tuple[tuple[str, ...], Workflow]] = [((), workflow)]
    for path, level in pending:
        found[path] = level
        pending += [((*path, node.id), node.body) for node in level.nodes if isinstance(node, LoopNode)]
    return found


class _Walk:
    """Follows edges from step to step, into, round and out of repeating loops."""

    def __init__(self, built: Built, levels: dict[tuple[str, ...], Workflow]) -> None:
        self._origins = built.origins
        self._nodes = {path: {node.id: node for node in level.nodes} for path, level in levels.items()}
        self._start = {
            path: next(node.id for node in level.nodes if isinstance(node, StartNode)) for path, level in levels.items()
        }
        self._leaving: dict[tuple[tuple[str, ...], str, str], list[Edge]] = {}
        for path, level in levels.items():
            for edge in level.edges:
                self._leaving.setdefault((path, edge.source, edge.port), []).append(edge)

    def is_start(self, place: _RunPlace) -> bool:
        """Whether the place is the workflow's start node."""
        return place == ((), self._start[()])

    def first(self, name: str, taken: dict[str, NodeRun]) -> _RunPlace | None:
        """The place of a run that nothing led to."""
        start: _RunPlace = ((), self._start[()])
        for place in (start, *self.after(start, "out")):
            if self._stands_for(place, name) and _step_id(place) not in taken:
                return place
        return None

    def next_free(self, place: _RunPlace, port: str, name: str, taken: dict[str, NodeRun]) -> _RunPlace | None:
        """The first step behind a port that stands for the node and has no run yet."""
        for target in self.after(place, port):
            if self._stands_for(target, name) and _step_id(target) not in taken:
                return target
        return None

    def after(self, place: _RunPlace, port: str) -> Iterator[_RunPlace]:
        """The steps to which a port leads."""
        pending: list[tuple[_RunPlace, str]] = [(place, port)]
        while pending:
            (around, node_id), by = pending.pop(0)
            path = tuple(loop for loop, _ in around)
            for edge in self._leaving.get((path, node_id, by), ()):
                if edge.target == AGAIN:
                    next_round = (*around[:-1], (around[-1][0], around[-1][1] + 1))
                    pending.append(((next_round, self._start[path]), "out"))
                elif edge.target.startswith(EXIT):
                    pending.append(((around[:-1], around[-1][0]), edge.target.removeprefix(EXIT)))
                elif isinstance(self._nodes[path][edge.target], LoopNode):
                    inside = (*around, (edge.target, 0))
                    pending.append(((inside, self._start[(*path, edge.target)]), "out"))
                else:
                    yield (around, edge.target)

    def _stands_for(self, place: _RunPlace, name: str) -> bool:
        origin = self._origins.get(plain_path(_step_id(place)))
        return origin is not None and origin.name == name
