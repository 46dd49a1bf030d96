"""The rows of a journal as an engine in another process writes them, with a default for what it leaves out. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Annotated, Any, ClassVar, Final, Literal, TypeAlias
from uuid import UUID

from pydantic import AwareDatetime, BeforeValidator, JsonValue, StrictInt

from cutover.engines.api import (
    CheckpointRow,
    EventRow,
    ExecutionRow,
    ExecutionStatus,
    Journal,
    JsonText,
    MetricRow,
    StepRow,
    StepStatus,
    TimerRow,
)

__all__ = [
    "CheckpointDocument",
    "EventDocument",
    "ExecutionDocument",
    "Instant",
    "JournalDocument",
    "MetricDocument",
    "StepDocument",
    "TimerDocument",
    "journal_of",
]

_STRICT: dict[str, str] = {"extra": "forbid"}
_ISO: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d([.,]\d+)?)?(Z|[+-]\d\d(:?\d\d)?)", re.ASCII)


def _iso(value: object) -> object:
    """Refuses what else pydantic takes for a time, such as numbers. Raises ValueError."""
    if isinstance(value, str) and _ISO.fullmatch(value):
        return value
    raise ValueError(f"{value!a:.60} is not a time with its offset in ISO 8601, such as 2026-01-01T00:00:00Z")


Instant: TypeAlias = Annotated[AwareDatetime, BeforeValidator(_iso)]
"""A time as an engine writes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionDocument:
    """The execution's own row; `input` and `output` are JSON as text, `metadata` is what the request said."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    id: UUID
    workflow_id: str
    status: ExecutionStatus
    input: JsonText
    created_at: Instant
    current_node_id: str | None = None
    output: JsonText | None = None
    error: str | None = None
    metadata: Mapping[str, JsonValue] = field(default_factory=dict)
    version: StrictInt = 0
    started_at: Instant | None = None
    finished_at: Instant | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDocument:
    """One step; `input` and `output` are JSON as text.

    Without `node_id` it is what follows the last `/` of the step's id. Without `ports` a completed step has left by
    `out`, and any other by none.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    step_id: str
    status: StepStatus
    node_id: str | None = None
    attempt: StrictInt = 0
    input: JsonText | None = None
    output: JsonText | None = None
    ports: tuple[str, ...] | None = None
    error: str | None = None
    started_at: Instant | None = None
    finished_at: Instant | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventDocument:
    """One entry of the event history; `sequence` counts from 1, `payload` is JSON as text."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    sequence: StrictInt
    type: str
    scope: Literal["execution", "step"]
    at: Instant
    step_id: str | None = None
    node_id: str | None = None
    from_state: str | None = None
    event: str | None = None
    to_state: str | None = None
    attempt: StrictInt | None = None
    payload: JsonText = "{}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointDocument:
    """What one commit made durable; `state` is JSON as text."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    version: StrictInt
    schema_version: StrictInt
    sequence: StrictInt
    state: JsonText
    checksum: str
    created_at: Instant
    node_id: str | None = None
    duration_ms: float | None = None
    error_message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricDocument:
    """One ended activity step as the engine measured it."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    step_id: str
    retry_count: StrictInt
    status: Literal["success", "failure", "cancelled"]
    duration_ms: float
    orchestrator_version: str
    recorded_at: Instant
    node_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerDocument:
    """A deadline by the clock of the protocol, of a wait or before a retry; `attempt` is the one to come."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    step_id: str
    kind: Literal["wait", "retry"]
    due_at: Instant
    attempt: StrictInt = 1
    fired_at: Instant | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalDocument:
    """The engine's own account of one execution; steps are needed, the other lists where it keeps such rows."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    execution: ExecutionDocument
    steps: tuple[StepDocument, ...] = ()
    events: tuple[EventDocument, ...] = ()
    checkpoints: tuple[CheckpointDocument, ...] = ()
    metrics: tuple[MetricDocument, ...] = ()
    timers: tuple[TimerDocument, ...] = ()


def journal_of(document: JournalDocument) -> Journal:
    """Returns the contract's journal."""
    return Journal(
        execution=ExecutionRow(**_values(document.execution)),
        steps=tuple(_step(each) for each in document.steps),
        events=tuple(EventRow(**_values(each)) for each in document.events),
        checkpoints=tuple(CheckpointRow(**_values(each)) for each in document.checkpoints),
        metrics=tuple(MetricRow(**_values(each) | _node(each)) for each in document.metrics),
        timers=tuple(TimerRow(**_values(each)) for each in document.timers),
    )


def _step(document: StepDocument) -> StepRow:
    ports = document.ports
    if ports is None:
        ports = ("out",) if document.status == "completed" else ()
    return StepRow(**_values(document) | _node(document) | {"ports": ports})


def _node(document: StepDocument | MetricDocument) -> dict[str, str]:
    return {"node_id": document.step_id.rpartition("/")[2] if document.node_id is None else document.node_id}


def _values(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _names(row.__class__)}


@cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(each.name for each in fields(kind))
