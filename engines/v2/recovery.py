"""Builds an execution in memory from its rows, for a worker that takes it over. Pure: the rows are given."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from cutover.engines.api import ActivityNode, JsonText, LoopNode
from cutover.engines.v2 import checkpoints
from cutover.engines.v2.checkpoints import Stored
from cutover.engines.v2.events import END_STATES
from cutover.engines.v2.graph import Graph
from cutover.engines.v2.nodes import iteration, list_items
from cutover.engines.v2.planner import Frame, Step
from cutover.engines.v2.run import ExecutionRun

__all__ = ["Claimed", "Rows", "read_rows", "restore"]


class Claimed(NamedTuple):
    """What claim.sql returns of the execution's row."""

    epoch: int
    version: int
    sequence: int
    definition: JsonText
    given: JsonText
    node_id: str | None


class _StoredStep(NamedTuple):
    step_id: str
    status: str
    attempt: int
    given: JsonText | None
    output: JsonText | None
    ports: list[str]
    error: str | None
    elapsed_ms: float | None


class Rows(NamedTuple):
    """What load.sql found. `timers` are the deadlines that were not met, `signals` those taken in, with their user."""

    steps: dict[str, _StoredStep]
    checkpoints: list[Stored]
    timers: dict[tuple[str, str, int], datetime]
    signals: dict[str, tuple[str, JsonText, str | None]]


def read_rows(found: Iterable[tuple[str, int, str]]) -> Rows:
    """Sorts load.sql's rows (part, position, JSON list) by what they are."""
    parts: dict[str, list[Any]] = defaultdict(list)
    for part, _, text in found:
        parts[part].append(json.loads(text))
    return Rows(
        {row[0]: _StoredStep(*row) for row in parts["step"]},
        [Stored(*row) for row in parts["checkpoint"]],
        {(step_id, kind, attempt): datetime.fromisoformat(due) for step_id, kind, attempt, due in parts["timer"]},
        {signal_id: (name, payload, step_id) for signal_id, name, payload, step_id in parts["signal"]},
    )


def restore(execution_id: UUID, claimed: Claimed, graph: Graph, rows: Rows) -> ExecutionRun:
    """Returns the execution that the rows describe; raises CheckpointCorrupt where they do not agree."""
    run = ExecutionRun(execution_id, graph, claimed.given)
    run.epoch, run.version, run.sequence, run.node_id = (
        claimed.epoch,
        claimed.version,
        claimed.sequence,
        claimed.node_id,
    )
    steps = {step_id: (row.status, row.attempt, row.output) for step_id, row in rows.steps.items()}
    run.checksum = checkpoints.verify(execution_id, claimed.version, claimed.sequence, rows.checkpoints, steps)
    run.signals = [(key, name, payload) for key, (name, payload, used_by) in rows.signals.items() if used_by is None]
    _restore_frame(run, run.top, rows)
    return run


def _restore_frame(run: ExecutionRun, frame: Frame, rows: Rows) -> None:
    """Settles what has ended in a level, and puts what is ready and not begun in line."""
    ready, _ = frame.begin()
    for index in frame.graph.order:
        row = rows.steps.get(frame.prefix + frame.graph.nodes[index].id)
        if row is None or row.status == "skipped":
            continue
        if row.status in END_STATES:
            ready += frame.settle(index, row.ports, row.output or "null")[0]
        else:
            _restore_step(run, frame, index, rows)
    begun = frame.prefix
    run.line_up(frame, [index for index in ready if begun + frame.graph.nodes[index].id not in rows.steps])


def _restore_step(run: ExecutionRun, frame: Frame, index: int, rows: Rows) -> None:
    """A step that has begun and not ended."""
    step = Step(frame, index)
    row = rows.steps[step.step_id]
    step.status, step.attempt, step.given, step.error = row.status, row.attempt, row.given, row.error
    step.stored = True
    step.elapsed_ms = row.elapsed_ms or 0.0
    run.open[step.step_id] = step
    if step.status == "paused":
        step.due_at = rows.timers.get((step.step_id, "wait", 1))
    elif isinstance(step.node, ActivityNode):
        run.active = step
        step.due_at = rows.timers.get((step.step_id, "retry", step.attempt + 1))
    elif isinstance(step.node, LoopNode):
        _restore_loop(run, step, step.node, rows)


def _restore_loop(run: ExecutionRun, loop: Step, node: LoopNode, rows: Rows) -> None:
    """A loop under way: the outputs of its finished iterations, and the frame of the present one."""
    if node.items is not None:
        loop.items = list_items(loop, node.items)
    body = loop.frame.graph.bodies[loop.index]
    start = body.nodes[body.start].id
    newest = 0
    while f"{loop.step_id}[{newest + 1}]/{start}" in rows.steps:
        newest += 1
    for number in range(newest + 1) if node.items is not None else (newest,):
        frame = iteration(loop, number, rows.steps[f"{loop.step_id}[{number}]/{start}"].given or "null")
        _restore_frame(run, frame, rows)
        if number < newest:
            loop.results.append(frame.output())
