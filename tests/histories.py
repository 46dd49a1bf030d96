"""A whole history of V2, `start -> ship (busy once) -> bill`: every check is content with it. Tests break it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from uuid import UUID

from rows import CALL, CHECKPOINT, EXECUTION, METRIC, NOW, STEP, Change, chained, event, log_line

from cutover.engines.api import (
    ActivityNode,
    CheckpointRow,
    Edge,
    EventRow,
    Journal,
    MetricRow,
    StartNode,
    StepRow,
    Workflow,
)
from cutover.harness.record.trials import Again, ArmRecord, Companion, LedgerEntry
from cutover.harness.store.lines import scenario_text
from cutover.scenarios.model import Response, Scenario

ID = UUID("7f9c2ba4-e88f-4827-96ab-1d2c3b4a5f60")
TOKEN = "tok-0123456789abcdef"  # noqa: S105 - a marker in payloads, not a secret
FOREIGN = "tok-fedcba9876543210"

# start -> ship (busy once, then a parcel) -> bill
SCENARIO = Scenario(
    id="ship-and-bill",
    workflow=Workflow(
        id="w",
        nodes=(
            StartNode(id="start"),
            ActivityNode(id="ship", activity="ship"),
            ActivityNode(id="bill", activity="bill"),
        ),
        edges=(Edge(source="start", target="ship"), Edge(source="ship", target="bill")),
    ),
    input={"order": TOKEN},
    world={"ship": (Response(error="busy"), Response(output={"parcel": 1})), "bill": (Response(output=9.5),)},
)
INPUT = json.dumps({"order": TOKEN}, separators=(",", ":"))
PARCEL = '{"parcel":1}'

State = dict[str, dict[str, object]]

HISTORY: tuple[Change, ...] = (
    (None, "pending", "START", "running", None),
    ("start", "pending", "START", "running", 1),
    ("start", "running", "COMPLETE", "completed", 1),
    ("ship", "pending", "START", "running", 1),
    ("ship", "running", "RETRY", "retrying", 1),
    ("ship", "retrying", "START", "running", 2),
    ("ship", "running", "COMPLETE", "completed", 2),
    ("bill", "pending", "START", "running", 1),
    ("bill", "running", "COMPLETE", "completed", 1),
    (None, "running", "COMPLETE", "completed", None),
)


def history(*lines: Change) -> tuple[EventRow, ...]:
    return tuple(event(i, line) for i, line in enumerate(lines, 1))


def note(sequence: int) -> EventRow:
    row = event(sequence, (None, "", "", "", None))
    return replace(row, type="NOTE", from_state=None, event=None, to_state=None, payload="{}")


def part(status: str, attempt: int, output: str | None = None) -> dict[str, object]:
    return {
        "status": status,
        "attempt": attempt,
        "output_sha256": None if output is None else sha256(output.encode()).hexdigest(),
    }


def chain(*commits: tuple[int, State]) -> tuple[CheckpointRow, ...]:
    return chained(
        replace(CHECKPOINT, version=version, node_id=None, sequence=sequence, state=json.dumps(state))
        for version, (sequence, state) in enumerate(commits, 1)
    )


COMMITS: tuple[tuple[int, State], ...] = (
    (4, {"start": part("completed", 1, INPUT), "ship": part("running", 1)}),
    (5, {"ship": part("retrying", 1)}),
    (6, {"ship": part("running", 2)}),
    (8, {"ship": part("completed", 2, PARCEL), "bill": part("running", 1)}),
    (10, {"bill": part("completed", 1, "9.5")}),
)


def step(step_id: str, attempt: int, given: str, output: str) -> StepRow:
    return replace(
        STEP,
        step_id=step_id,
        node_id=step_id,
        attempt=attempt,
        input=given,
        output=output,
        finished_at=NOW + timedelta(milliseconds=3),
    )


def call(sequence: int, step_id: str, attempt: int, given: str, output: str | None) -> LedgerEntry:
    made = replace(
        CALL,
        sequence=sequence,
        step_id=step_id,
        activity=step_id,
        attempt=attempt,
        idempotency_key=f"{ID}:{step_id}",
        input=given,
        output=output,
        at=NOW + timedelta(seconds=attempt - 1 if step_id == "ship" else 1),
        execution_id=ID,
    )
    return made if output is not None else replace(made, status="error", ports=(), error="busy", effect="none")


def metric(step_id: str, retries: int) -> MetricRow:
    return replace(METRIC, step_id=step_id, node_id=step_id, retry_count=retries)


EVENTS = history(*HISTORY)
JOURNAL = Journal(
    execution=replace(
        EXECUTION,
        id=ID,
        current_node_id=None,
        input=INPUT,
        output="9.5",
        metadata={"orchestrator_version": "v2", "tenant": "t-1"},
        version=5,
    ),
    steps=(step("start", 1, INPUT, INPUT), step("ship", 2, INPUT, PARCEL), step("bill", 1, PARCEL, "9.5")),
    events=EVENTS,
    checkpoints=chain(*COMMITS),
    metrics=(metric("ship", 1), metric("bill", 0)),
)
LEDGER = (
    call(1, "ship", 1, INPUT, None),
    call(2, "ship", 2, INPUT, PARCEL),
    call(3, "bill", 1, PARCEL, "9.5"),
)
LOGS = tuple(log_line(row, ID) for row in EVENTS)
COMPANION = Companion(place="inside", execution_id=ID, journal=JOURNAL, ledger=LEDGER, logs=LOGS, duration_ms=20.0)
GOOD = ArmRecord(
    arm="candidate",
    engine="v2",
    execution_id=ID,
    position=0,
    journal=JOURNAL,
    ledger=LEDGER,
    logs=LOGS,
    again=Again(calls=0, rows_changed=False),
    duration_ms=20.0,
    companion_scenario=scenario_text(SCENARIO),
    companions=(COMPANION,),
    began_at=NOW,
    ended_at=NOW + timedelta(seconds=1),
    metadata={"tenant": "t-1"},
    waits=(),
)
