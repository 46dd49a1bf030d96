"""What the next commit will change: steps, events, metrics, timers, signals. Pure; returns the rows of a statement."""

from __future__ import annotations

from datetime import datetime

from cutover.engines.api import ActivityNode, JsonText
from cutover.engines.v2 import checkpoints
from cutover.engines.v2.events import END_STATES, Event, Row, record
from cutover.engines.v2.lines import VERSION
from cutover.engines.v2.planner import Step

__all__ = ["Delta"]

_MOST_STEPS = 500
_MOST_TEXT = 16 * 1024 * 1024
"""Where a long stretch without activities is cut into commits: Postgres takes no message of more than 1 GB."""


class Delta:
    """One commit in the making. `weight` is the length of the inputs and outputs of its steps without an activity."""

    __slots__ = ("events", "metrics", "signals", "steps", "timers", "weight")

    def __init__(self) -> None:
        self.steps: dict[str, Step] = {}
        self.events: list[Event] = []
        self.metrics: list[Row] = []
        self.timers: dict[tuple[str, str, int], Row] = {}
        self.signals: dict[str, Row] = {}
        self.weight = 0

    @property
    def is_large(self) -> bool:
        """Whether what need not be in this commit should go into the next one."""
        return len(self.steps) >= _MOST_STEPS or self.weight >= _MOST_TEXT

    def weigh(self, step: Step) -> None:
        """Counts a step's values."""
        self.weight += len(step.given or "") + len(step.output or "")

    def __bool__(self) -> bool:
        return bool(self.events or self.signals)

    def metric(self, step: Step, status: str) -> None:
        """Notes that an activity step has ended; `status` is success, failure or cancelled."""
        if isinstance(step.node, ActivityNode):
            retries = str(max(step.attempt - 1, 0))
            self.metrics.append((step.step_id, step.node.id, retries, status, repr(step.busy_ms), VERSION))

    def timer(self, step: Step, kind: str, attempt: int, due_at: datetime, fired_at: datetime | None = None) -> None:
        """Sets a deadline, or says when it was met."""
        fired = None if fired_at is None else fired_at.isoformat()
        self.timers[step.step_id, kind, attempt] = (step.step_id, kind, str(attempt), due_at.isoformat(), fired)

    def signal(self, signal_id: str, name: str, payload: JsonText, step: Step | None) -> None:
        """Keeps a signal, or says which wait used it up."""
        self.signals[signal_id] = (signal_id, name, payload, None if step is None else step.step_id)

    def state(self) -> JsonText:
        """The checkpoint's state: the steps changed, each as it is now."""
        return (
            "{" + ",".join(checkpoints.entry(s.key, s.status, s.attempt, s.output) for s in self.steps.values()) + "}"
        )

    def rows(self) -> tuple[list[Row], ...]:
        """What is to be written to each table, in the order of `writer.PARTS`."""
        return (
            [_row(step) for step in self.steps.values()],
            [record(entry) for entry in self.events],
            self.metrics,
            list(self.timers.values()),
            list(self.signals.values()),
        )


def _row(step: Step) -> Row:
    given = None if step.stored else step.given
    ended = "t" if step.status in END_STATES else "f"
    ports = _array(step.ports)
    return step.step_id, step.node.id, step.status, str(step.attempt), given, step.output, ports, step.error, ended


def _array(ports: tuple[str, ...]) -> str:
    """The ports as Postgres reads an array; its strings have the escapes of JSON's that text can need here."""
    return "{" + ",".join('"' + port.replace("\\", "\\\\").replace('"', '\\"') + '"' for port in ports) + "}"
