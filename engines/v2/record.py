"""One execution's status changes, each with its event, and the commit that they make. Pure."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from cutover.engines.api import JsonText
from cutover.engines.payloads import storable_text
from cutover.engines.v2 import events
from cutover.engines.v2.checkpoints import FIRST_CHECKSUM
from cutover.engines.v2.delta import Delta
from cutover.engines.v2.events import END_STATES, Event, next_state
from cutover.engines.v2.graph import Graph
from cutover.engines.v2.planner import Frame, Step

__all__ = ["Record"]


class Record:
    """An execution between two commits. `active` is the activity step under way: running, or waiting for an attempt.

    `open` are the steps that have begun and not ended; `released` says that the last commit gave the lease back.
    """

    def __init__(self, execution_id: UUID, graph: Graph, given: JsonText) -> None:
        self.execution_id = execution_id
        self.status = "running"
        self.output: JsonText | None = None
        self.error: str | None = None
        self.node_id: str | None = None
        self.epoch = 1
        self.version = 0
        self.sequence = 0
        self.checksum = FIRST_CHECKSUM
        self.checkpoint_ms: float | None = None
        self.released = False
        self.top = Frame(graph, given)
        self.active: Step | None = None
        self.open: dict[str, Step] = {}
        self.delta = Delta()

    def transition(self, step: Step, event: str) -> None:
        """Changes a step's status, with its event; raises InvalidTransition."""
        before = step.status
        step.status = next_state("step", before, event)
        self._event(step, event, before, step.status)
        self.delta.steps[step.step_id] = step
        if step.status in END_STATES:
            self.open.pop(step.step_id, None)
        else:
            self.open[step.step_id] = step

    def retry(self, step: Step, message: str, due_at: datetime) -> None:
        """Puts the step's next attempt off until a deadline."""
        step.error, step.due_at = storable_text(message), due_at
        self.transition(step, "RETRY")
        self.delta.timer(step, "retry", step.attempt + 1, due_at)

    def start_attempt(self, step: Step, now: datetime | None) -> None:
        """Begins the step's next attempt; `now` is when the pause before it ended."""
        if step.status == "retrying" and step.due_at is not None:
            self.delta.timer(step, "retry", step.attempt + 1, step.due_at, now)
        step.attempt, step.error, step.due_at = step.attempt + 1, None, None
        self.transition(step, "START")

    def fail(self, step: Step, message: str) -> None:
        """Ends a step, the loops around it and the execution as failed, and every other open step as cancelled."""
        self._failed(step, message)
        around = []
        loop = step.frame.loop
        while loop is not None:
            around.append(loop)
            loop = loop.frame.loop
        self._cancel_open(keep=around)
        for loop in around:
            self._failed(loop, f"{step.step_id}: {message}")
        self._end("FAIL", error=storable_text(f"{step.step_id}: {message}"))

    def cancel(self) -> None:
        """Ends the execution as cancelled, with every step that has not ended."""
        self._cancel_open(keep=[])
        self._end("CANCEL")

    def _failed(self, step: Step, message: str) -> None:
        step.error = storable_text(message)
        self.transition(step, "FAIL")
        self.delta.metric(step, "failure")

    def _cancel_open(self, keep: list[Step]) -> None:
        """Cancels open steps, those inside a loop before the loop."""
        for step in sorted(self.open.values(), key=lambda s: s.place, reverse=True):
            if step not in keep:
                self.transition(step, "CANCEL")
                self.delta.metric(step, "cancelled")

    def _end(self, event: str, output: JsonText | None = None, error: str | None = None) -> None:
        before = self.status
        self.status = next_state("execution", before, event)
        self.output, self.error, self.active = output, error, None
        self._event(None, event, before, self.status)

    def _event(self, step: Step | None, event: str, before: str, after: str) -> None:
        self.sequence = events.next_sequence(self.sequence)
        if step is None:
            entry = Event(self.sequence, "STATE_TRANSITION", None, None, "", "", 0, before, event, after)
        else:
            due = step.due_at if after in {"retrying", "paused"} else None
            entry = Event(
                self.sequence, "STATE_TRANSITION", step.step_id, step.node.id, step.key, step.node_key, step.attempt,
                before, event, after, due,
            )  # fmt: skip
        self.delta.events.append(entry)
