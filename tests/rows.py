"""Literal rows of one execution, `start -> ship`: a test says with `replace` what is otherwise in its history."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeAlias
from uuid import UUID

from cutover.engines.api import (
    ActivityNode,
    CheckpointRow,
    Edge,
    EventRow,
    ExecutionRow,
    MetricRow,
    StartNode,
    StepRow,
    Workflow,
)
from cutover.harness.judge.checks.ckpt import checksum
from cutover.harness.record.trials import EngineInfo, LedgerEntry, Manifest
from cutover.scenarios.model import Response, Scenario

NOW = datetime(2025, 1, 8, 10, 30, tzinfo=UTC)
ENGINES = {"control": "v1", "candidate": "v2"}
"""The engine of each role."""
SHIP = Scenario(
    id="ship",
    workflow=Workflow(
        id="w",
        nodes=(StartNode(id="start"), ActivityNode(id="ship", activity="post")),
        edges=(Edge(source="start", target="ship"),),
    ),
    input=1,
    world={"ship": (Response(output=7),)},
)
EXECUTION = ExecutionRow(
    id=UUID(int=1),
    workflow_id="w",
    status="completed",
    current_node_id="ship",
    input="1",
    output="7",
    error=None,
    metadata={},
    version=0,
    created_at=NOW,
    started_at=NOW,
    finished_at=NOW,
)
STEP = StepRow(
    step_id="ship",
    node_id="ship",
    status="completed",
    attempt=1,
    input="1",
    output="7",
    ports=("out",),
    error=None,
    started_at=NOW,
    finished_at=NOW,
)
CALL = LedgerEntry(
    sequence=1,
    step_id="ship",
    activity="post",
    attempt=1,
    idempotency_key="k",
    input="1",
    planned=True,
    status="ok",
    output="7",
    ports=("out",),
    error=None,
    retryable=True,
    effect="applied",
    after_completion=False,
    at=NOW,
)
CHECKPOINT = CheckpointRow(
    version=1,
    node_id="start",
    schema_version=1,
    sequence=1,
    state="{}",
    checksum="",
    duration_ms=None,
    error_message=None,
    created_at=NOW,
)
METRIC = MetricRow(
    step_id="ship",
    node_id="ship",
    retry_count=1,
    status="success",
    duration_ms=1.5,
    orchestrator_version="v2",
    recorded_at=NOW,
)
MANIFEST = Manifest(
    run_id="r",
    created_at=NOW,
    cutover_version="0.1.0",
    seed=1,
    stage=0,
    control=EngineInfo(spec="v1", name="v1", digest="a"),
    candidate=EngineInfo(spec="v2", name="v2", digest="b"),
    server="s",
    server_version="18",
    planned=0,
    finished=0,
    workers=1,
    seconds=0.0,
    material="chosen",
)

Change: TypeAlias = tuple[str | None, str, str, str, int | None]
"""Step (None for the execution), state before, event, state after, attempt."""


def event(sequence: int, change: Change) -> EventRow:
    """The row of one transition."""
    step, before, name, after, attempt = change
    return EventRow(
        sequence=sequence,
        type="STATE_TRANSITION",
        scope="execution" if step is None else "step",
        step_id=step,
        node_id=step,
        from_state=before,
        event=name,
        to_state=after,
        attempt=attempt,
        payload=json.dumps({"from_state": before, "event": name, "to_state": after}),
        at=NOW,
    )


def log_line(row: EventRow, execution_id: UUID) -> str:
    """What V2 logs of a transition."""
    return json.dumps(
        {
            "level": "info",
            "type": row.type,
            "execution_id": str(execution_id),
            "node_id": row.node_id,
            "from_state": row.from_state,
            "to_state": row.to_state,
            "event": row.event,
            "timestamp": "2025-01-08T10:30:00Z",
            "orchestrator_version": "v2",
        }
    )


def chained(rows: Iterable[CheckpointRow]) -> tuple[CheckpointRow, ...]:
    """The rows with their checksums, each over the one before it."""
    made: list[CheckpointRow] = []
    for row in rows:
        made.append(replace(row, checksum=checksum(made[-1].checksum if made else "", row)))
    return tuple(made)
