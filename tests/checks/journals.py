"""The rows of one execution: what its lines say, with the usual values of a sound execution where they say nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Final
from uuid import UUID

from checks.lines import NOW, HistoryError, HistoryLine, record, taken
from cutover.engines.api import CheckpointRow, EventRow, ExecutionRow, Journal, MetricRow, StepRow, TimerRow

__all__ = ["ROWS", "execution_rows"]

ROWS: Final = ("execution", "step", "event", "note", "checkpoint", "metric", "timer")
"""The words of the lines that are rows of a journal."""
_ENDED: Final = frozenset({"completed", "failed", "skipped", "cancelled"})


def execution_rows(lines: Sequence[HistoryLine], own: UUID, engine: str) -> Journal:
    """Returns the journal of execution `own`; its events are counted and its checkpoints chained in their order.

    A later line of the same step changes the row of the earlier one.
    """
    steps: dict[str, HistoryLine] = {}
    events: list[EventRow] = []
    checkpoints: list[CheckpointRow] = []
    whole = HistoryLine("execution")
    for line in lines:
        if line.word == "execution":
            whole = _changed(whole, line)
        elif line.word == "step":
            steps[line.name] = _changed(steps.get(line.name, line), line)
        elif line.word in {"event", "note"}:
            events.append(_event(line, len(events) + 1))
        elif line.word == "checkpoint":
            checkpoints.append(_checkpoint(line, events, checkpoints))
    return Journal(
        execution=_execution(whole, own, engine, len(checkpoints)),
        steps=tuple(_step(line) for line in steps.values()),
        events=tuple(events),
        checkpoints=tuple(checkpoints),
        metrics=tuple(_metric(line, engine) for line in taken(lines, {"metric"})[0]),
        timers=tuple(
            record(
                TimerRow, line, {"step_id": line.name, "kind": "wait", "attempt": 1, "due_at": NOW, "fired_at": None}
            )
            for line in taken(lines, {"timer"})[0]
        ),
    )


def node_of(step_id: str) -> str:
    """Returns the node of a step: the last part of its id."""
    return step_id.rpartition("/")[2]


def _changed(before: HistoryLine, line: HistoryLine) -> HistoryLine:
    return HistoryLine(line.word, line.names, {**before.fields, **line.fields}, line.text)


def _execution(line: HistoryLine, own: UUID, engine: str, version: int) -> ExecutionRow:
    status = line.fields.get("status", "completed")
    usual = {
        "id": own,
        "workflow_id": "w",
        "status": "completed",
        "current_node_id": None,
        "input": "null",
        "output": "null" if status == "completed" else None,
        "error": "busy" if status == "failed" else None,
        "metadata": {"orchestrator_version": engine},
        "version": version,
        "created_at": NOW,
        "started_at": NOW,
        "finished_at": NOW if status in _ENDED else None,
    }
    return record(ExecutionRow, line, usual)


def _step(line: HistoryLine) -> StepRow:
    status = line.fields.get("status", "completed")
    ran = status not in {"pending", "skipped"}
    usual = {
        "step_id": line.name,
        "node_id": node_of(line.name),
        "status": "completed",
        "attempt": int(ran),
        "input": "null" if ran else None,
        "output": "null" if status == "completed" else None,
        "ports": ("out",) if status == "completed" else (),
        "error": "busy" if status == "failed" else None,
        "started_at": NOW if ran else None,
        "finished_at": NOW if status in _ENDED else None,
    }
    return record(StepRow, line, usual)


def _event(line: HistoryLine, place: int) -> EventRow:
    """Returns the row of `event ship running COMPLETE completed`, or of `note ship`, which changes no state."""
    if line.word == "note":
        subject, before, name, after = line.name, None, None, None
    elif len(line.names) == 4:
        subject, before, name, after = line.names
    else:
        raise HistoryError(f"{line.text!r}: write event ship pending START running")
    step_id = None if subject == "execution" else subject
    told = {"from_state": before, "event": name, "to_state": after} if line.word == "event" else {}
    usual = {
        "sequence": place,
        "type": "STATE_TRANSITION" if line.word == "event" else "NOTE",
        "scope": "execution" if step_id is None else "step",
        "step_id": step_id,
        "node_id": None if step_id is None else node_of(step_id),
        "from_state": None,
        "event": None,
        "to_state": None,
        **told,
        "attempt": None if step_id is None or after == "skipped" else 1,
        "payload": json.dumps(told),
        "at": NOW,
    }
    return record(EventRow, line, usual)


def _checkpoint(line: HistoryLine, events: Sequence[EventRow], before: Sequence[CheckpointRow]) -> CheckpointRow:
    """Returns the next checkpoint: it tells of the steps what the events since the one before it tell."""
    covered = before[-1].sequence if before else 0
    state = {
        event.step_id: {"status": event.to_state, "attempt": event.attempt}
        for event in events
        if event.step_id is not None and event.to_state is not None and event.sequence > covered
    }
    usual = {
        "version": len(before) + 1,
        "node_id": None,
        "schema_version": 1,
        "sequence": events[-1].sequence if events else 0,
        "state": json.dumps(state),
        "checksum": "",
        "duration_ms": None,
        "error_message": None,
        "created_at": NOW,
    }
    row = record(CheckpointRow, line, usual)
    if row.checksum:
        return row
    chained = (
        f"{before[-1].checksum if before else ''}\n{row.schema_version}\n{row.version}\n{row.sequence}\n{row.state}"
    )
    return record(CheckpointRow, line, {**usual, "checksum": sha256(chained.encode()).hexdigest()})


def _metric(line: HistoryLine, engine: str) -> MetricRow:
    usual = {
        "step_id": line.name,
        "node_id": node_of(line.name),
        "retry_count": 0,
        "status": "success",
        "duration_ms": 1.5,
        "orchestrator_version": engine,
        "recorded_at": NOW,
    }
    return record(MetricRow, line, usual)


def log_of(line: HistoryLine, event: EventRow | None, own: UUID, engine: str) -> str:
    """Returns what `log` says of the event before it; a field that is given takes the event's place.

    `log text=...` is a line as it is.
    """
    if "text" in line.fields:
        return line.fields["text"]
    if event is None:
        raise HistoryError(f"{line.text!r}: no event stands before it")
    told: Mapping[str, object] = {
        "level": "info",
        "type": event.type,
        "execution_id": str(own),
        "node_id": event.node_id,
        "from_state": event.from_state,
        "to_state": event.to_state,
        "event": event.event,
        "timestamp": event.at.isoformat(),
        "orchestrator_version": engine,
    }
    if line.fields.keys() - told.keys():
        raise HistoryError(f"{line.text!r}: a log line has {', '.join(told)}")
    return json.dumps({**told, **line.fields})
