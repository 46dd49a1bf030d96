"""From what an engine has kept of one execution to its journal. Pure.

The rows are worked out anew from the kept results, so an engine needs no table of steps: what no result shows has not
happened yet.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from types import MappingProxyType
from typing import Final

from cutover.engines.api import (
    ActivityCall,
    ActivityResult,
    ExecutionRow,
    ExecutionStatus,
    Journal,
    JsonText,
    JsonValue,
    StepRow,
)
from cutover.engines.errors import CutoverError
from cutover.engines.kit.driving import drive
from cutover.engines.kit.requests import StoredRequest
from cutover.engines.kit.walk import GraphWalk, WalkStep
from cutover.engines.payloads import encode

__all__ = ["WITHOUT_HISTORY", "journal_of", "new_walk", "replayed"]


WITHOUT_HISTORY: Final = MappingProxyType({"checkpoints": False, "events": False, "metrics": False})
"""The `capabilities` of an engine whose journal is worked out here, beside what else it does not offer."""


class NotKept(CutoverError):
    """The replay has come to something that the engine has kept no result of."""


def new_walk(stored: StoredRequest) -> GraphWalk:
    """Returns the walk of an execution that has not begun."""
    return GraphWalk(stored.request.workflow, stored.request.input, stored.created_at)


def replayed(stored: StoredRequest, kept: Mapping[str, JsonValue]) -> GraphWalk:
    """Returns the walk as far as the kept results lead it; nothing is asked for."""
    walk = new_walk(stored)
    replaying = _Replaying(kept)
    with suppress(NotKept):
        drive(walk, stored.request.execution_id, replaying, replaying, replaying)
    return walk


def journal_of(
    stored: StoredRequest,
    kept: Mapping[str, JsonValue],
    *,
    status: ExecutionStatus | None = None,
    ended_at: datetime | None = None,
) -> Journal:
    """Returns the journal that follows from what an engine keeps: all results and messages by their names.

    `status` is what the engine itself calls the execution. Where it has cancelled it, what is open is cancelled, at
    `ended_at`; where it says that it has ended otherwise, or is still running, that is what the journal says, whatever
    the results show. Without it the results say.
    """
    walk = replayed(stored, kept)
    if status == "cancelled" and walk.status == "running":
        walk.at = max(walk.at, ended_at or walk.at)
        walk.cancel()
    shown = walk.status if status is None else status
    ended = shown in {"completed", "failed", "cancelled"}
    completed = shown == walk.status == "completed"
    request = stored.request
    return Journal(
        execution=ExecutionRow(
            id=request.execution_id,
            workflow_id=request.workflow.id,
            status=shown,
            current_node_id=None,
            input=encode(request.input),
            output=encode(walk.output) if completed else None,
            error=(walk.error or "the engine says no more") if shown == "failed" else None,
            metadata=request.metadata,
            version=0,
            created_at=stored.created_at,
            started_at=stored.created_at,
            finished_at=max(walk.at, ended_at or walk.at) if ended else None,
        ),
        steps=tuple(_row(step) for step in walk.steps.values()),
    )


def _row(step: WalkStep) -> StepRow:
    ended_well = step.status == "completed" or (step.status == "failed" and bool(step.ports))
    text: JsonText | None = encode(step.output) if ended_well else None
    return StepRow(
        step_id=step.step_id,
        node_id=step.node.id,
        status=step.status,
        attempt=step.attempt,
        input=encode(step.given) if step.has_input else None,
        output=text,
        ports=step.ports,
        error=step.error,
        started_at=step.started_at,
        finished_at=step.finished_at,
    )


class _Replaying:
    """Answers with what is kept, and stops the walk where nothing is; nobody is asked for anything."""

    def __init__(self, kept: Mapping[str, JsonValue]) -> None:
        self._kept = kept

    def step(self, name: str, work: Callable[[], JsonValue]) -> JsonValue:  # noqa: ARG002 - nothing is done here
        """Returns what is kept under the name."""
        if name not in self._kept:
            raise NotKept(f"nothing is kept under {name}")
        return self._kept[name]

    def sleep(self, name: str, until: datetime) -> None:
        """Has slept where the attempt after it was made, which its result shows."""
        step_id, attempt, _ = name.rsplit("#", 2)
        if f"{step_id}#{int(attempt) + 1}" not in self._kept:
            raise NotKept(f"step {step_id} waits until {until}")

    def receive(self, name: str, deadline: datetime | None) -> JsonValue:  # noqa: ARG002 - as above
        """Returns the message that is kept under the name."""
        return self._kept.get(name)

    def call(self, call: ActivityCall) -> ActivityResult:
        """Is never reached: `step` runs nothing."""
        raise NotKept(f"step {call.step_id} was asked for in a replay")

    def now(self) -> datetime:
        """As `call`."""
        raise NotKept("the time was asked for in a replay")

    def sleep_until(self, deadline: datetime) -> None:
        """As `call`."""
        raise NotKept(f"a sleep until {deadline} was asked for in a replay")
