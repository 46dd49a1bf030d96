"""The contract between the harness and an engine: types only, pure.

Every time is an aware UTC datetime and every `_ms` a duration in milliseconds. A `JsonText` is JSON as
`cutover.engines.payloads.encode` writes it, so that payloads are stored and compared without loss.

Rows are dated (`created_at`, `started_at`, `finished_at`, `at`, `recorded_at`) by the database's clock or by the
injected one, all by the same; deadlines (`due_at`, `fired_at`) are always by the injected one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, ClassVar, Literal, Protocol, TypeAlias
from uuid import UUID

from pydantic import Field, JsonValue, SkipValidation

__all__ = [
    "Activities",
    "ActivityCall",
    "ActivityNode",
    "ActivityResult",
    "Capabilities",
    "Case",
    "CheckpointRow",
    "Clock",
    "ConditionNode",
    "Edge",
    "Engine",
    "EngineContext",
    "EngineFactory",
    "EventRow",
    "ExecutionRequest",
    "ExecutionRow",
    "ExecutionStatus",
    "JoinNode",
    "Journal",
    "JsonText",
    "JsonValue",
    "LogSink",
    "LoopNode",
    "MetricRow",
    "Node",
    "Payload",
    "RetryPolicy",
    "Signal",
    "StartNode",
    "StepRow",
    "StepStatus",
    "TimerRow",
    "WaitNode",
    "Workflow",
]

JsonText: TypeAlias = str
Payload = Annotated[JsonValue, SkipValidation]
"""A JSON value that is data under test: never coerced, never validated on the way in."""

ExecutionStatus = Literal["pending", "running", "completed", "failed", "cancelled"]
StepStatus = Literal["pending", "running", "retrying", "paused", "completed", "failed", "skipped", "cancelled"]

_STRICT: dict[str, str] = {"extra": "forbid"}  # pydantic reads it when these types come from a file


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """When a failed activity is tried again.

    The delay before retry k (k from 0) is d = min(cap_ms, initial_ms * factor**k), shortened by at most the share
    `jitter` (0 to 1): it lies in [d * (1 - jitter), d]. The default waits 1, 2 and 4 s: three retries, four attempts.
    An attempt begins with a commit that says so: a worker that was overtaken in the pause before it, or whose execution
    was cancelled there, asks for nothing.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    max_retries: Annotated[int, Field(ge=0, le=100)] = 3
    initial_ms: Annotated[int, Field(ge=0)] = 1_000
    factor: Annotated[float, Field(ge=1)] = 2.0
    cap_ms: Annotated[int, Field(ge=0)] = 60_000
    jitter: Annotated[float, Field(ge=0, le=1)] = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StartNode:
    """Where an execution, or a loop's iteration, begins; its output is the input. Exactly one in each workflow."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    id: str
    kind: Literal["start"] = "start"


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityNode:
    """Asks the world, by activity name; the only kind of step that has an effect.

    Leaves by `out` unless the response names other ports. Once its attempts are used up the step is failed, and
    `on_error` decides: `fail` ends the execution as failed; `continue` leaves by `out` and `route` by `error`, both
    with the output `{"error": message}`.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    id: str
    activity: str
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    on_error: Literal["fail", "continue", "route"] = "fail"
    kind: Literal["activity"] = "activity"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One way out of a condition: `port` is taken when the expression's value equals `value`.

    Booleans equal only booleans; numbers are compared by value.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    port: str
    value: Annotated[str | int | float | bool | None, SkipValidation]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionNode:
    """Evaluates a JMESPath expression on its input and passes the input on.

    Without cases it leaves by `true` or `false` (JMESPath's truth: null, false and the empty string, list and object
    are false). With cases it leaves by the first case that equals the value, else by `default`. An expression that
    raises fails the step, and so the execution.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    id: str
    expression: str
    cases: tuple[Case, ...] = ()
    kind: Literal["condition"] = "condition"


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinNode:
    """Brings branches together and passes its input on, by `out`.

    `all` waits until every incoming edge is decided; `any` is ready at its first taken edge, has that edge's output
    as its input, and ignores the rest.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    id: str
    mode: Literal["all", "any"] = "all"
    kind: Literal["join"] = "join"


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitNode:
    """Pauses until its signal arrives or its timer is up; at least one of `signal` and `timeout_ms` is set.

    A signal's payload is the output, by port `out`. A wait with a timer alone passes its input on, by `out`; where a
    signal was awaited too and the timer is up first, the output is null and the port is `timeout`. A signal that
    arrives before any wait of its name is paused is kept for the next one; each signal serves one wait.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    id: str
    signal: str | None = None
    timeout_ms: Annotated[int, Field(ge=0)] | None = None
    kind: Literal["wait"] = "wait"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopNode:
    """Runs its body, a workflow of its own, again and again; exactly one of `items` and `repeat` is set.

    `items` is a JMESPath expression on the input whose value must be a list (else the step fails): the body runs once
    an item, in order, with the item as input; the output is the list of the bodies' outputs, by `out`.

    `repeat`: the first iteration gets the loop's input. The body's edges may lead to `$again` and to `$exit.PORT`.
    While an iteration takes an edge to `$again` another follows, whose input is what those edges carry (the source's
    output, or an object keyed by node id where several sources are taken). More than `max_iterations` iterations fail
    the step. The loop's output is what the taken edges to `$exit.*` of the last iteration carry (the body's output
    where none is taken), and it leaves by each PORT they named, so by none where none is taken.

    A step inside is called `LOOP[i]/NODE`, i from 0. A failure inside fails the loop's step and the execution.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    id: str
    body: Workflow
    items: str | None = None
    repeat: bool = False
    max_iterations: Annotated[int, Field(ge=1, le=100_000)] = 1_000
    kind: Literal["loop"] = "loop"


Node: TypeAlias = Annotated[
    StartNode | ActivityNode | ConditionNode | JoinNode | WaitNode | LoopNode, Field(discriminator="kind")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """Leads from `source` to `target` and is taken when the source leaves by `port`.

    Inside the body of a repeating loop `target` may also be `$again` or `$exit.PORT`.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    source: str
    target: str
    port: str = "out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflow:
    """A graph without cycles; the order of `nodes` is the definition order in which an engine takes ready nodes."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    id: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionRequest:
    """One run to start: the workflow is stored with the execution, so that a resume needs no other source.

    `metadata` is kept with the execution and rules nothing, whatever its keys. `orchestrator_version` is the engine's
    own key, and `rollout_*` are the router's: what they write there stands in place of what a request says.
    """

    execution_id: UUID
    workflow: Workflow
    input: JsonValue
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """What a wait may be waiting for; a second delivery of the same `id` to one execution changes nothing.

    That is so whatever its name and payload; signals of different ids are different signals, however alike.
    Neither `id` nor `name` is empty.
    """

    id: str
    name: str
    payload: JsonValue = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityCall:
    """One request to the outside world; `attempt` counts from 1 and a redelivery after a crash keeps it."""

    execution_id: UUID
    step_id: str
    activity: str
    attempt: int
    idempotency_key: str | None
    input: JsonValue


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityResult:
    """What the world answered, and the ports by which the step leaves."""

    output: JsonValue
    ports: tuple[str, ...] = ("out",)


class Activities(Protocol):
    """Everything outside the engine."""

    def call(self, call: ActivityCall) -> ActivityResult:
        """Does what is asked, or raises `cutover.engines.errors.ActivityError`."""


class Clock(Protocol):
    """Where an engine takes deadlines from. Durations that are measured come from the machine, not from here."""

    def now(self) -> datetime:
        """The time, UTC."""

    def sleep_until(self, deadline: datetime) -> None:
        """Returns when `now()` has reached the deadline; at once where it has."""


class LogSink(Protocol):
    """Takes one log line, without its newline."""

    def __call__(self, line: str, /) -> None:
        """Keeps the line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineContext:
    """What an engine is made from. Its connections use `dsn` and nothing else."""

    dsn: str
    activities: Activities
    clock: Clock
    log: LogSink


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionRow:
    """The execution's own row. `version` is the newest checkpoint's, 0 for an engine without checkpoints."""

    id: UUID
    workflow_id: str
    status: ExecutionStatus
    current_node_id: str | None
    input: JsonText
    output: JsonText | None
    error: str | None
    metadata: Mapping[str, JsonValue]
    version: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRow:
    """One step as the engine keeps it; `attempt` is the newest attempt, from 1, or 0 before the first.

    Only an activity has more than one attempt; skipped steps and steps that never started have none. The `error` of a
    failed step contains the message with which its activity's last attempt failed, where one did; any words may stand
    around it, and what the engine itself found wrong it says in words of its own. A step that is completed or skipped
    has no error, whatever its earlier attempts came to. An engine that keeps no time at which steps of a status end may
    leave `finished_at` out of all of them.
    """

    step_id: str
    node_id: str
    status: StepStatus
    attempt: int
    input: JsonText | None
    output: JsonText | None
    ports: tuple[str, ...]
    error: str | None
    started_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """One entry of the event history. `from_state`, `event` and `to_state` are set on type STATE_TRANSITION only.

    `scope` is "execution" or "step"; `step_id` and `node_id` are None for the execution's own events. Times by the
    injected clock (a retry's or a timer's `due_at`) are in the payload, ISO 8601.
    """

    sequence: int
    type: str
    scope: Literal["execution", "step"]
    step_id: str | None
    node_id: str | None
    from_state: str | None
    event: str | None
    to_state: str | None
    attempt: int | None
    payload: JsonText
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointRow:
    """What one commit made durable: `state` is the steps it changed, `sequence` the last event it covers.

    `duration_ms` is what the checkpoint before this one took, measured by the client from send to acknowledgement;
    None for the first of a worker.
    """

    version: int
    node_id: str | None
    schema_version: int
    sequence: int
    state: JsonText
    checksum: str
    duration_ms: float | None
    error_message: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricRow:
    """One ended activity step as the engine measured it; `duration_ms` is real time over all its attempts."""

    step_id: str
    node_id: str
    retry_count: int
    status: Literal["success", "failure", "cancelled"]
    duration_ms: float
    orchestrator_version: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerRow:
    """A deadline by the injected clock: of a wait, or of the pause before a retry (`attempt` is the one to come).

    `fired_at` is when it was up and its step went on, by the same clock; None of one that something else ended.
    """

    step_id: str
    kind: Literal["wait", "retry"]
    attempt: int
    due_at: datetime
    fired_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """The engine's own account of one execution; empty where an engine keeps no such rows."""

    execution: ExecutionRow
    steps: tuple[StepRow, ...] = ()
    events: tuple[EventRow, ...] = ()
    checkpoints: tuple[CheckpointRow, ...] = ()
    metrics: tuple[MetricRow, ...] = ()
    timers: tuple[TimerRow, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What an engine offers: an attribute `capabilities` of it, or a mapping of these names to truth values.

    Without the attribute it offers everything. What it does not offer is not asked of it: scenarios, ways of killing
    and plays that need it are left out, reports say "not offered", and what the plan needs stays undecided.

    `cancel`: cancel(). `signals`: waits for a signal, and `signal_ids`: a second delivery of the same id changes
    nothing. `waits`: wait nodes, of either kind. `retries`: an activity that failed is tried again. `loops`: loop
    nodes. `injected_clock`: every deadline is taken from the clock that it was given. `lease`: another worker is turned
    away, or one that was overtaken changes nothing. `concurrent_workers`: several workers may have one database.
    `checkpoints`, `events`, `metrics`: rows of these in its journal. `one_per_process` is a limit and not an offer: one
    process cannot hold a second engine of the kind.
    """

    cancel: bool = True
    signals: bool = True
    signal_ids: bool = True
    waits: bool = True
    retries: bool = True
    loops: bool = True
    injected_clock: bool = True
    lease: bool = True
    concurrent_workers: bool = True
    checkpoints: bool = True
    events: bool = True
    metrics: bool = True
    one_per_process: bool = False


class Engine(Protocol):
    """A workflow engine. Structural: nothing to inherit. Synchronous, and one thread uses one engine at a time."""

    name: str

    def install(self) -> None:
        """Creates its tables; idempotent. What is in them stays, however old: how long is not the engine's to say."""

    def execute(self, request: ExecutionRequest) -> None:
        """Drives the execution until it ends or nothing is left but waits; idempotent per execution_id.

        A wait whose timer is up by the clock is not left waiting. Raises PayloadRefused or WorkflowRefused before
        anything is written, ExecutionHeld where another worker drives it.
        """

    def resume(self, execution_id: UUID, signal: Signal | None = None) -> None:
        """Goes on after a crash, a timer or with a signal, as `execute` does; idempotent per signal id.

        Where it returns, the signal has been used or is kept, wherever the execution stood.
        On an ended execution it changes nothing. Raises UnknownExecution, ExecutionHeld or LeaseLost.
        """

    def cancel(self, execution_id: UUID) -> None:
        """Ends the execution as cancelled, with every step that has not ended; changes nothing on an ended one.

        It brings nothing about first: a timer that is up, a kept signal, an attempt that is due come to nothing.
        """

    def journal(self, execution_id: UUID) -> Journal:
        """Reads back what the engine has committed of one execution. Raises UnknownExecution."""

    def close(self) -> None:
        """Gives back connections; the engine is not used again."""


class EngineFactory(Protocol):
    """Makes an engine; what the registry resolves a name to."""

    def __call__(self, context: EngineContext, /) -> Engine:
        """The engine, connected on first use."""
