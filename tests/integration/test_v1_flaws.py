"""V1 on a real Postgres: the flaws that the rollout plan says V2 cures, each shown to be there, and what it refuses."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from cutover.engines.api import (
    ActivityCall,
    ActivityNode,
    ActivityResult,
    ConditionNode,
    Edge,
    Engine,
    EngineContext,
    ExecutionRequest,
    JoinNode,
    LoopNode,
    Node,
    Signal,
    StartNode,
    WaitNode,
    Workflow,
)
from cutover.engines.errors import ActivityError, PayloadRefused, UnknownExecution, WorkflowRefused
from cutover.engines.registry import resolve
from cutover.engines.sqlfiles import sql
from cutover.harness.run.world.clock import VirtualClock

START = StartNode(id="start")
CHAIN = Workflow(
    id="chain",
    nodes=(START, ActivityNode(id="a", activity="post"), ActivityNode(id="b", activity="post")),
    edges=(Edge(source="start", target="a"), Edge(source="a", target="b")),
)


class ProcessDied(BaseException):
    """Stands for the end of a process: no engine may catch it."""


class Outside:
    """Activities as a function, with every call kept."""

    def __init__(self, answer: Callable[[ActivityCall], Any]) -> None:
        self.answer = answer
        self.calls: list[ActivityCall] = []

    def call(self, call: ActivityCall) -> ActivityResult:
        self.calls.append(call)
        return ActivityResult(output=self.answer(call))


Make = Callable[[Callable[[ActivityCall], Any]], tuple[Engine, Outside]]


@pytest.fixture
def make(dsn: str) -> Iterator[Make]:
    made: list[Engine] = []

    def build(answer: Callable[[ActivityCall], Any]) -> tuple[Engine, Outside]:
        outside = Outside(answer)
        context = EngineContext(dsn=dsn, activities=outside, clock=VirtualClock(), log=lambda _line: None)
        engine = resolve("v1")(context)
        engine.install()
        made.append(engine)
        return engine, outside

    yield build
    for engine in made:
        engine.close()


def request(workflow: Workflow = CHAIN, given: Any = 1) -> ExecutionRequest:
    return ExecutionRequest(execution_id=uuid4(), workflow=workflow, input=given)


def status_of(engine: Engine, execution_id: UUID) -> dict[str, str]:
    return {step.step_id: step.status for step in engine.journal(execution_id).steps}


def test_a_process_that_dies_after_the_effect_repeats_it_on_resume(make: Make) -> None:
    def dies_in_b(call: ActivityCall) -> Any:
        if call.step_id == "b":
            raise ProcessDied
        return "done"

    dead, before = make(dies_in_b)
    asked = request()
    with pytest.raises(ProcessDied):
        dead.execute(asked)
    assert status_of(dead, asked.execution_id) == {"start": "completed", "a": "completed", "b": "running"}
    fresh, after = make(lambda _: "again")
    fresh.resume(asked.execution_id)
    assert [call.step_id for call in (*before.calls, *after.calls)] == ["a", "b", "b"]
    assert {(call.attempt, call.idempotency_key) for call in (*before.calls, *after.calls)} == {(1, None)}
    assert fresh.journal(asked.execution_id).execution.status == "completed"


def test_a_process_that_dies_before_current_node_id_moves_repeats_a_completed_step(make: Make, dsn: str) -> None:
    engine, outside = make(lambda call: call.step_id)
    asked = request()
    engine.execute(asked)
    with psycopg.connect(dsn, autocommit=True) as connection:  # the rows as they are right after b's completion
        connection.execute("UPDATE workflow_executions SET status = 'running', output = NULL, finished_at = NULL")
    engine.resume(asked.execution_id)
    assert [call.step_id for call in outside.calls] == ["a", "b", "b"]
    assert engine.journal(asked.execution_id).execution.status == "completed"


def test_a_retry_policy_is_ignored(make: Make) -> None:
    def busy(_call: ActivityCall) -> Any:
        raise ActivityError("busy", retryable=True)

    engine, outside = make(busy)
    asked = request()
    engine.execute(asked)
    assert len(outside.calls) == 1
    assert engine.journal(asked.execution_id).execution.status == "failed"


def test_executions_that_interleave_in_threads_see_each_others_data(make: Make) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def waits_in_a(call: ActivityCall) -> Any:
        if call.step_id == "a":
            inside.set()
            assert go_on.wait(30)
        return "mine"

    first, slow = make(waits_in_a)
    second, _ = make(lambda _: "secret")
    fork = Workflow(
        id="fork",
        nodes=(START, *(ActivityNode(id=name, activity="post") for name in "abc"), JoinNode(id="join")),
        edges=(
            *(Edge(source="start", target=name) for name in "ab"),
            Edge(source="b", target="c"),
            *(Edge(source=name, target="join") for name in "ac"),
        ),
    )
    thread = threading.Thread(target=first.execute, args=(request(fork, "mine"),))
    thread.start()
    assert inside.wait(30)
    second.execute(request(fork, "secret"))
    go_on.set()
    thread.join(30)
    assert [(call.step_id, call.input) for call in slow.calls] == [("a", "mine"), ("b", "secret"), ("c", "mine")]


def test_executions_one_after_another_do_not(make: Make) -> None:
    engine, outside = make(lambda call: call.input)
    engine.execute(request(given="one"))
    engine.execute(request(given="two"))
    assert [call.input for call in outside.calls] == ["one", "one", "two", "two"]


def test_statuses_are_assigned_unchecked_so_a_late_worker_revives_a_cancelled_execution(make: Make) -> None:
    other, _ = make(lambda _: None)
    asked = request()

    def is_cancelled_meanwhile(call: ActivityCall) -> Any:
        if call.step_id == "a":
            other.cancel(asked.execution_id)

    engine, _ = make(is_cancelled_meanwhile)
    engine.execute(asked)
    assert engine.journal(asked.execution_id).execution.status == "completed"


def test_works_on_a_database_that_v2_has_migrated(make: Make, dsn: str) -> None:
    engine, _ = make(lambda _: "done")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(sql("cutover.engines.v2", "schema"))
    asked = request()
    engine.install()
    engine.execute(asked)
    assert engine.journal(asked.execution_id).execution.status == "completed"


def test_goes_on_after_the_server_dropped_its_connection(make: Make, dsn: str) -> None:
    engine, _ = make(lambda _: "done")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    with pytest.raises(psycopg.OperationalError):
        engine.execute(request())
    asked = request()
    engine.execute(asked)
    assert engine.journal(asked.execution_id).execution.status == "completed"


def test_payloads_come_back_exactly(make: Make) -> None:
    odd = {"nul": "a\0b", "half": "\ud800", "big": 2**80, "zero": -0.0, "text": "é😀", "tiny": 5e-324}
    engine, outside = make(lambda _: odd)
    asked = request(given=odd)
    engine.execute(asked)
    journal = engine.journal(asked.execution_id)
    for text in (journal.execution.input, journal.execution.output):
        assert text is not None
        assert repr(json.loads(text)) == repr(odd)
    assert [repr(call.input) for call in outside.calls] == [repr(odd), repr(odd)]


def test_an_output_that_json_cannot_carry_fails_the_step_with_the_reason(make: Make) -> None:
    engine, _ = make(lambda _: {"x": [float("nan")]})
    asked = request()
    engine.execute(asked)
    assert engine.journal(asked.execution_id).execution.error == "a: payload has nan at $.x[0]; JSON has no such number"


@pytest.mark.parametrize("given", [float("inf"), {"k": {1, 2}}])
def test_an_input_that_json_cannot_carry_is_refused_before_anything_is_written(make: Make, given: Any) -> None:
    engine, _ = make(lambda _: None)
    asked = request(given=given)
    with pytest.raises(PayloadRefused):
        engine.execute(asked)
    with pytest.raises(UnknownExecution):
        engine.journal(asked.execution_id)


def test_an_unknown_execution_is_an_error_whatever_is_asked(make: Make) -> None:
    engine, _ = make(lambda _: None)
    asks: list[Callable[[UUID], object]] = [
        engine.resume,
        engine.cancel,
        engine.journal,
        lambda unknown: engine.resume(unknown, Signal(id="1", name="go")),
    ]
    for ask in asks:
        with pytest.raises(UnknownExecution, match="start it with execute"):
            ask(uuid4())


def graph(*nodes: Node, edges: tuple[Edge, ...] = ()) -> Workflow:
    return Workflow(id="w", nodes=nodes, edges=edges)


A = ActivityNode(id="a", activity="post")


@pytest.mark.parametrize(
    ("workflow", "message"),
    [
        (graph(), "exactly one start node, has 0"),
        (graph(START, StartNode(id="other")), "exactly one start node, has 2"),
        (graph(START, A, A), "2 nodes are named 'a'"),
        (graph(START, ActivityNode(id="a/b", activity="x")), "has a '/'"),
        (graph(START, ActivityNode(id="a\0", activity="x")), "NUL or lone surrogate"),
        (graph(START, ActivityNode(id="\udc00", activity="x")), "NUL or lone surrogate"),
        (graph(START, edges=(Edge(source="start", target="b"),)), "no node is named 'b'"),
        (graph(START, edges=(Edge(source="b", target="start"),)), "no node is named 'b'"),
        (graph(START, A, edges=(Edge(source="a", target="start"),)), "no edge leads to the start node"),
        (graph(START, A, edges=(Edge(source="a", target="$again"),)), "body of a repeating loop"),
        (graph(START, A, edges=(Edge(source="a", target="$exit."),)), "no node is named '\\$exit.'"),
        (graph(START, A, edges=(Edge(source="a", target="a"),)), "cycle: a -> a"),
        (graph(START, WaitNode(id="w")), "neither a signal nor a timer"),
        (graph(START, LoopNode(id="l", body=graph(START))), "exactly one of items and repeat"),
        (graph(START, LoopNode(id="l", items="@", repeat=True, body=graph(START))), "exactly one of items and repeat"),
        (graph(START, LoopNode(id="l", items="@", body=graph())), "in loop 'l': needs exactly one start"),
        (graph(START, ConditionNode(id="c", expression="a ||")), "is not JMESPath"),
        (graph(START, LoopNode(id="l", repeat=True, max_iterations=0, body=graph(START))), "max_iterations"),
    ],
)
def test_a_workflow_that_breaks_a_rule_is_refused_by_name_and_nothing_is_written(
    make: Make, workflow: Workflow, message: str
) -> None:
    engine, _ = make(lambda _: None)
    asked = request(workflow)
    with pytest.raises(WorkflowRefused, match=message):
        engine.execute(asked)
    with pytest.raises(UnknownExecution):
        engine.journal(asked.execution_id)


def test_what_a_request_says_under_v1_s_own_names_rules_nothing(make: Make) -> None:
    engine, world = make(lambda _call: 1)
    nodes = (START, WaitNode(id="w", signal="go", timeout_ms=60_000), ActivityNode(id="a", activity="post"))
    edges = (Edge(source="start", target="w"), Edge(source="w", target="a"))
    said = {"v1_due": "soon", "v1_signals": "none", "orchestrator_version": "v2", "tenant": "7"}
    request = ExecutionRequest(
        execution_id=uuid4(), workflow=Workflow(id="w", nodes=nodes, edges=edges), input=None, metadata=said
    )
    engine.execute(request)
    engine.resume(request.execution_id, Signal(id="1", name="go"))
    row = engine.journal(request.execution_id).execution
    assert (row.status, row.metadata["orchestrator_version"], row.metadata["tenant"]) == ("completed", "v1", "7")
    assert [call.step_id for call in world.calls] == ["a"]
