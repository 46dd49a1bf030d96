"""What the next commit will change: steps, events, metrics, timers, signals. Pure; gives write.sql its parameters."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from json.encoder import encode_basestring_ascii as quoted
from typing import Any

from engines.api import ActivityNode, JsonText, Node
from engines.v2 import checkpoints
from engines.v2.events import Event, record
from engines.v2.planner import Frame, Place
from engines.v2.state_machine import END_STATES

__all__ = ["Delta", "Step"]


class Step:
    """One step in memory. `stored` says that its row exists; `busy_ms` is real time in its activity, so far.

    `elapsed_ms` is that since it began, of a step that another worker began. `due_at` is set while the step is paused
    with a timer or waits for its next attempt. `iteration`, `items` and `results` are a loop's: the number of its
    present iteration from 0, what it goes through, and what the iterations before gave.
    """

    __slots__ = (
        "attempt", "busy_ms", "due_at", "elapsed_ms", "error", "frame", "given", "index", "items", "iteration", "key",
        "node", "node_key", "output", "ports", "results", "status", "step_id", "stored",
    )  # fmt: skip

    def __init__(self, frame: Frame, index: int) -> None:
        self.frame = frame
        self.index = index
        self.node: Node = frame.graph.nodes[index]
        self.step_id = frame.prefix + self.node.id
        self.key: JsonText = quoted(self.step_id)
        self.node_key: JsonText = quoted(self.node.id) if frame.prefix else self.key
        self.status = "pending"
        self.attempt = 0
        self.given: JsonText | None = None
        self.output: JsonText | None = None
        self.ports: tuple[str, ...] = ()
        self.error: str | None = None
        self.due_at: datetime | None = None
        self.busy_ms = self.elapsed_ms = 0.0
        self.stored = False
        self.iteration = 0
        self.items: list[JsonText] = []
        self.results: list[JsonText] = []

    @property
    def place(self) -> Place:
        """Where its node stands."""
        return (*self.frame.place, self.index)


class Delta:
    """One commit in the making."""

    __slots__ = ("events", "metrics", "signals", "steps", "timers")

    def __init__(self) -> None:
        self.steps: dict[str, Step] = {}
        self.events: list[Event] = []
        self.metrics: list[JsonText] = []
        self.timers: dict[tuple[str, str, int], JsonText] = {}
        self.signals: dict[str, JsonText] = {}

    def __bool__(self) -> bool:
        return bool(self.events or self.signals)

    def metric(self, step: Step, status: str) -> None:
        """Notes that an activity step has ended; `status` is success, failure or cancelled."""
        if isinstance(step.node, ActivityNode):
            self.metrics.append(
                f'{{"step_id":{step.key},"node_id":{step.node_key},"retry_count":{max(step.attempt - 1, 0)},'
                f'"status":"{status}","duration_ms":{step.busy_ms!r}}}'
            )

    def timer(self, step: Step, kind: str, attempt: int, due_at: datetime, fired_at: datetime | None = None) -> None:
        """Sets a deadline, or says when it was met."""
        fired = "null" if fired_at is None else f'"{fired_at.isoformat()}"'
        self.timers[step.step_id, kind, attempt] = (
            f'{{"step_id":{step.key},"kind":"{kind}","attempt":{attempt},"due_at":"{due_at.isoformat()}","fired_at":{fired}}}'
        )

    def signal(self, signal_id: str, name: str, payload: JsonText, step: Step | None) -> None:
        """Keeps a signal, or says which wait used it up."""
        used_by = "null" if step is None else step.key
        self.signals[signal_id] = (
            f'{{"id":{quoted(signal_id)},"name":{quoted(name)},"payload":{quoted(payload)},"step_id":{used_by}}}'
        )

    def state(self) -> JsonText:
        """The checkpoint's state: the steps changed, each as it is now."""
        return (
            "{" + ",".join(checkpoints.entry(s.key, s.status, s.attempt, s.output) for s in self.steps.values()) + "}"
        )

    def parameters(self) -> dict[str, Any]:
        """The sets of rows for write.sql, as JSON."""
        return {
            "steps": _list([_row(step) for step in self.steps.values()]),
            "events": _list([record(entry) for entry in self.events]),
            "metrics": _list(self.metrics),
            "timers": _list(self.timers.values()),
            "signals": _list(self.signals.values()),
        }


def _row(step: Step) -> JsonText:
    output = "null" if step.output is None else quoted(step.output)
    error = "null" if step.error is None else quoted(step.error)
    ports = ",".join(quoted(port) for port in step.ports)
    ended = "true" if step.status in END_STATES else "false"
    given = "null" if step.stored or step.given is None else quoted(step.given)
    return (
        f'{{"step_id":{step.key},"node_id":{step.node_key},"status":"{step.status}","attempt":{step.attempt},'
        f'"input":{given},"output":{output},"ports":[{ports}],"error":{error},"ended":{ended}}}'
    )


def _list(rows: Iterable[JsonText]) -> JsonText:
    return "[" + ",".join(rows) + "]"
