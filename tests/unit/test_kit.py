"""The kit: every scenario of the catalog on an engine in memory, killed wherever it keeps something, and replayed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from cutover import kit
from cutover.engines.api import (
    ActivityNode,
    Edge,
    Engine,
    EngineContext,
    ExecutionRequest,
    Journal,
    JsonValue,
    LoopNode,
    Node,
    Signal,
    StartNode,
    WaitNode,
    Workflow,
)
from cutover.engines.errors import PayloadRefused, UnknownExecution, WorkflowRefused
from cutover.engines.kit.walk import GraphWalk
from cutover.engines.payloads import encode
from cutover.harness.judge.outcomes.diff import diff_outcomes
from cutover.harness.judge.outcomes.outcome import outcome_of
from cutover.harness.judge.reference.model import expect
from cutover.harness.record.trials import ArmRecord
from cutover.harness.run.trials.drive import ArmDriver
from cutover.harness.run.world.clock import VirtualClock
from cutover.harness.run.world.dispatcher import Dispatcher, Flight
from cutover.harness.run.world.world import World
from cutover.scenarios.catalog import load_catalog
from cutover.scenarios.model import Scenario


class Killed(BaseException):
    """The worker dies here."""


@dataclass
class Memory:
    """What one execution has kept, and what it was sent; `deaths` says at how many keepings a worker dies."""

    request: str = ""
    kept: dict[str, str] = field(default_factory=dict)
    inbox: list[str] = field(default_factory=list)
    taken: int = 0
    cancelled: bool = False


class OnKit:
    """An engine in memory on the kit; it dies once before and once after each result is kept, where it is `mortal`."""

    name = "on-kit"

    def __init__(self, context: EngineContext, *, mortal: bool) -> None:
        self.context, self.mortal = context, mortal
        self.of: dict[UUID, Memory] = {}
        self.died: set[str] = set()

    def install(self) -> None: ...

    def execute(self, request: ExecutionRequest) -> None:
        if request.execution_id not in self.of:
            self.of[request.execution_id] = Memory(kit.request_text(request))
        self.resume(request.execution_id)

    def resume(self, execution_id: UUID, signal: Signal | None = None) -> None:
        memory = self.memory(execution_id)
        if signal is not None:
            kit.check_signal(signal)
            memory.inbox.append(kit.kept_text(kit.signal_message(signal)))
        while not memory.cancelled:
            stored = kit.StoredRequest.of(execution_id, memory.request)
            durable = OneExecution(self, memory)
            try:
                kit.drive(kit.new_walk(stored), execution_id, durable, self.context.activities, self.context.clock)
            except Killed:
                continue
            return

    def cancel(self, execution_id: UUID) -> None:
        if self.journal(execution_id).execution.status == "running":
            self.memory(execution_id).cancelled = True

    def journal(self, execution_id: UUID) -> Journal:
        memory = self.memory(execution_id)
        kept = {name: kit.kept_value(text) for name, text in memory.kept.items()}
        stored = kit.StoredRequest.of(execution_id, memory.request)
        return kit.journal_of(stored, kept, status="cancelled" if memory.cancelled else None)

    def memory(self, execution_id: UUID) -> Memory:
        if execution_id not in self.of:
            raise UnknownExecution(f"no execution {execution_id}")
        return self.of[execution_id]

    def close(self) -> None: ...


class OneExecution:
    """The primitives."""

    def __init__(self, engine: OnKit, memory: Memory) -> None:
        self.engine, self.memory, self.taken = engine, memory, 0

    def step(self, name: str, work: Callable[[], JsonValue]) -> JsonValue:
        if name not in self.memory.kept:
            text = kit.kept_text(work())
            self.die(f"before {name}")
            self.memory.kept[name] = text
            self.die(f"after {name}")
        return kit.kept_value(self.memory.kept[name])

    def sleep(self, name: str, until: datetime) -> None:
        self.die(name)
        self.engine.context.clock.sleep_until(until)

    def receive(self, name: str, deadline: datetime | None) -> JsonValue:
        now = self.engine.context.clock.now()
        if name not in self.memory.kept:
            if self.memory.taken < len(self.memory.inbox):
                self.memory.kept[name] = self.memory.inbox[self.memory.taken]
                self.memory.taken += 1
            elif deadline is not None and deadline <= now:
                self.memory.kept[name] = kit.kept_text(kit.time_message(now))
            else:
                return None
            self.die(f"after {name}")
        return kit.kept_value(self.memory.kept[name])

    def die(self, where: str) -> None:
        if self.engine.mortal and where not in self.engine.died:
            self.engine.died.add(where)
            raise Killed


def play(scenario: Scenario, *, mortal: bool) -> ArmRecord:
    clock = VirtualClock()
    flight = Flight(uuid4(), World(scenario, clock), clock)
    dispatcher = Dispatcher()
    engine: Engine = OnKit(dispatcher.context(""), mortal=mortal)
    driver = ArmDriver(engine, scenario, flight, {"tenant": "a"})
    with dispatcher.flying(flight):
        driver.finish()
        again = driver.again()
    assert again is not None or driver.failure is not None
    if again is not None:
        assert (again.calls, again.rows_changed, again.failure) == (0, False, None)
    return ArmRecord(
        arm="candidate", engine="on-kit", execution_id=flight.execution_id, position=0, journal=driver.journal,
        ledger=driver.ledger, logs=(), signals=tuple(driver.outside.delivered), pauses=driver.outside.pauses,
        failure=driver.failure, again=again, duration_ms=0.0,
    )  # fmt: skip


@pytest.mark.parametrize("mortal", [False, True], ids=["whole", "killed"])
@pytest.mark.parametrize("scenario", load_catalog(), ids=lambda scenario: scenario.id)
def test_the_catalog_comes_to_what_the_reference_model_says(scenario: Scenario, *, mortal: bool) -> None:
    record = play(scenario, mortal=mortal)
    expected = expect(scenario)
    outcome = outcome_of(record)
    differences = [diff_outcomes(each.outcome, outcome, each.optional) for each in (expected, *expected.alternatives)]
    assert [] in differences, differences[0]


def workflow(*nodes: Node, edges: str) -> Workflow:
    """A workflow of nodes, and of edges as `a>b a.port>b`."""
    made = []
    for each in edges.split():
        left, _, target = each.partition(">")
        source, _, port = left.partition(".")
        made.append(Edge(source=source, target=target, port=port or "out"))
    return Workflow(id="w", nodes=(StartNode(id="start"), *nodes), edges=tuple(made))


BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def request(of: Workflow, given: Any = 7) -> ExecutionRequest:
    return ExecutionRequest(execution_id=UUID(int=1), workflow=of, input=given, metadata={"tenant": "é"})


@pytest.mark.parametrize("value", [-0.0, 1e22, 2**70, "\x00\ud800", [[], {}], None, {"": 1.0}])
def test_a_request_comes_back_as_it_was(value: Any) -> None:
    body = workflow(ActivityNode(id="a", activity="x"), edges="start>a a>$again a.done>$exit.done")
    whole = workflow(LoopNode(id="l", body=body, repeat=True), WaitNode(id="w", timeout_ms=1), edges="start>l l.done>w")
    before = request(whole, {"value": value})
    text = kit.request_text(before)
    assert text.isascii()
    after = kit.StoredRequest.of(before.execution_id, text).request
    assert (after.workflow, after.metadata) == (before.workflow, before.metadata)
    assert encode(after.input) == encode(before.input)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (Workflow(id="w", nodes=()), "0 start nodes"),
        (workflow(WaitNode(id="w"), edges="start>w"), "waits for nothing"),
        (workflow(edges="start>gone"), "nothing that an edge may lead to"),
        (workflow(edges="start>$again"), "nothing that an edge may lead to"),
        (workflow(WaitNode(id="a/b", timeout_ms=1), edges="start>a/b"), "an id is a text"),
        (workflow(StartNode(id="start"), edges=""), "the same id"),
        (workflow(LoopNode(id="l", body=workflow(edges="")), edges="start>l"), "exactly one of items and repeat"),
        (workflow(LoopNode(id="l", body=workflow(edges=""), items="[["), edges="start>l"), "is not JMESPath"),
        (workflow(WaitNode(id="a", timeout_ms=1), WaitNode(id="b", timeout_ms=1), edges="a>b b>a"), "a cycle"),
        (workflow(WaitNode(id="a", timeout_ms=-1), edges="start>a"), "greater than or equal to 0"),
    ],
)
def test_a_workflow_that_breaks_a_rule_is_refused(wrong: Workflow, said: str) -> None:
    with pytest.raises(WorkflowRefused, match=said):
        kit.request_text(request(wrong))


def test_what_json_cannot_carry_is_refused() -> None:
    with pytest.raises(PayloadRefused):
        kit.request_text(request(workflow(edges=""), float("nan")))
    with pytest.raises(PayloadRefused):
        kit.request_text(replace(request(workflow(edges="")), metadata={"tenant": "\x00"}))
    with pytest.raises(PayloadRefused):
        kit.check_signal(Signal(id="", name="go"))


def test_a_signal_of_an_id_that_was_heard_changes_nothing() -> None:
    """Two waits of one name, and the same id twice: the second wait goes on waiting."""
    of = workflow(WaitNode(id="a", signal="go"), WaitNode(id="b", signal="go"), edges="start>a a>b")
    stored = kit.StoredRequest.of(UUID(int=1), kit.request_text(request(of)))
    message = kit.signal_message(Signal(id="1", name="go", payload="first"))
    journal = kit.journal_of(stored, {"$message#1": message, "$message#2": message})
    assert [(row.step_id, row.status, row.output) for row in journal.steps] == [
        ("start", "completed", "7"),
        ("a", "completed", '"first"'),
        ("b", "paused", None),
    ]


def test_a_journal_says_what_the_engine_says() -> None:
    """Where the engine calls an execution completed, and its results do not show it, the rows do not cover that up."""
    stored = kit.StoredRequest.of(UUID(int=1), kit.request_text(request(workflow(
        ActivityNode(id="a", activity="x"), edges="start>a"))))  # fmt: skip
    journal = kit.journal_of(stored, {}, status="completed")
    assert journal.execution.status == "completed"
    assert [(row.step_id, row.status) for row in journal.steps] == [("start", "completed"), ("a", "running")]
    cancelled = kit.journal_of(stored, {}, status="cancelled")
    assert [row.status for row in cancelled.steps] == ["completed", "cancelled"]
    assert all(row.finished_at is not None for row in cancelled.steps)


def test_a_failed_attempt_waits_for_the_next() -> None:
    of = workflow(ActivityNode(id="a", activity="x"), edges="start>a")
    stored = kit.StoredRequest.of(UUID(int=1), kit.request_text(request(of)))
    at = BEGAN.isoformat()
    kept: JsonValue = {"error": "no", "retryable": True, "clock": at, "at": at}
    (_, row) = kit.journal_of(stored, {"a#1": kept}).steps
    assert (row.status, row.attempt, row.error, row.finished_at) == ("retrying", 1, "no", None)


def test_a_walk_takes_ready_nodes_in_definition_order_and_waits_last() -> None:
    nodes = (WaitNode(id="w", signal="go"), ActivityNode(id="b", activity="x"), ActivityNode(id="a", activity="x"))
    walk = GraphWalk(workflow(*nodes, edges="start>a start>w start>b"), None, BEGAN)
    taken = []
    while (step := walk.next()) is not None:
        taken.append(step.step_id)
        walk.complete(step, None) if isinstance(step.node, ActivityNode) else walk.pause(step, None)
    assert taken == ["b", "a", "w"]
    assert walk.status == "running"
