"""What the next commit will change: steps, events, metrics, timers, signals. Pure; gives the rows of a statement."""

from __future__ import annotations

from datetime import datetime
from json.encoder import encode_basestring_ascii as quoted

from cutover.engines.api import ActivityNode, JsonText, Node
from cutover.engines.v2 import checkpoints
from cutover.engines.v2.events import Event, record
from cutover.engines.v2.lines import VERSION
from cutover.engines.v2.planner import Frame, Place
from cutover.engines.v2.state_machine import END_STATES
from cutover.engines.v2.statement import Row

__all__ = ["Delta", "Step"]

_MOST_STEPS = 500
_MOST_TEXT = 16 * 1024 * 1024
"""Where a long stretch without activities is cut into commits: Postgres takes no message of more than 1 GB."""


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
    """One commit in the making. `weight` is the length of what its steps without an activity were given and gave."""

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
        """Whether what is not bound to this commit belongs into the next one."""
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
        """What is to be written to each table, in the order of `statement.PARTS`."""
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
