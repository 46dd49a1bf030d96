"""V2 on a real Postgres where two things meet: a signal and a crash, a timer and a worker, two executions in one."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from cutover.engines.api import (
    ActivityCall,
    ActivityNode,
    ActivityResult,
    Edge,
    EngineContext,
    ExecutionRequest,
    JsonValue,
    LoopNode,
    Node,
    Signal,
    StartNode,
    WaitNode,
    Workflow,
)
from cutover.engines.errors import ExecutionHeld
from cutover.engines.v2.lease import TTL, Renewer
from cutover.engines.v2.orchestrator import OrchestratorV2, create
from cutover.harness.run.world.clock import EPOCH, VirtualClock


class Killed(BaseException):
    """Stands for the end of a process."""


class Bench:
    """A database and a clock that several engines share; `during` breaks in on each activity call."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self.clock = VirtualClock()
        self.calls: list[ActivityCall] = []
        self.during: Callable[[ActivityCall], None] = lambda _: None
        self.engines: list[OrchestratorV2] = []
        self.id = uuid4()
        self.engine().install()

    def call(self, call: ActivityCall) -> ActivityResult:
        self.calls.append(call)
        self.during(call)
        return ActivityResult(output=call.step_id)

    def engine(self) -> OrchestratorV2:
        self.engines.append(
            create(EngineContext(dsn=self.dsn, activities=self, clock=self.clock, log=lambda _line: None))
        )
        return self.engines[-1]

    def start(self, workflow: Workflow, given: JsonValue = None) -> None:
        self.engines[0].execute(ExecutionRequest(execution_id=self.id, workflow=workflow, input=given))

    def steps(self) -> dict[str, str]:
        return {step.step_id: step.status for step in self.engines[0].journal(self.id).steps}

    def status(self) -> str:
        return self.engines[0].journal(self.id).execution.status

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            return connection.execute(statement.encode()).fetchall()


@pytest.fixture
def bench(dsn: str) -> Iterator[Bench]:
    made = Bench(dsn)
    yield made
    for engine in made.engines:
        engine.close()


def flow(*nodes: Node, edges: str) -> Workflow:
    """Edges are written `a>b`."""
    made = (edge.split(">") for edge in edges.split())
    arrows = tuple(Edge(source=source, target=target) for source, target in made)
    return Workflow(id="w", nodes=(StartNode(id="start"), *nodes), edges=arrows)


def test_a_signal_that_ends_an_iteration_beside_an_activity_loses_no_iteration_to_a_crash(bench: Bench) -> None:
    """The commit before the activity must tell of the next iteration, or nobody would ever begin it."""
    body = flow(WaitNode(id="paid", signal="paid"), edges="start>paid")
    bench.start(
        flow(
            WaitNode(id="go", signal="go"),
            ActivityNode(id="ship", activity="do"),
            LoopNode(id="each", items="@", body=body),
            edges="start>go go>ship start>each",
        ),
        ["a", "b"],
    )

    def die(_: ActivityCall) -> None:
        raise Killed

    bench.during = die
    for signal in (Signal(id="1", name="go"), Signal(id="2", name="paid")):
        with pytest.raises(Killed):
            bench.engine().resume(bench.id, signal)
    assert bench.steps()["each[1]/start"] == "completed"
    bench.during = lambda _: None
    bench.engine().resume(bench.id)
    assert bench.steps()["each[1]/paid"] == "paused"
    bench.engine().resume(bench.id, Signal(id="3", name="paid"))
    assert bench.status() == "completed"
    assert [call.attempt for call in bench.calls] == [1, 1, 1]


def test_a_timer_that_is_up_is_served_though_another_worker_lets_go_between_two_statements(bench: Bench) -> None:
    """The claim finds the execution held, the look that follows finds it free: somebody must still take the timer."""
    bench.start(
        flow(
            WaitNode(id="go", signal="go"),
            ActivityNode(id="ship", activity="do"),
            WaitNode(id="later", timeout_ms=1_000),
            edges="start>go go>ship start>later",
        )
    )
    held, let_go = threading.Event(), threading.Event()

    def hold(_: ActivityCall) -> None:
        held.set()
        assert let_go.wait(60)

    bench.during = hold
    first = bench.engine()
    worker = threading.Thread(target=first.resume, args=(bench.id, Signal(id="1", name="go")))
    worker.start()
    assert held.wait(60)
    second = bench.engine()
    run = second.store.run
    seen: list[str] = []

    def let_go_after_the_first_claim(name: str, parameters: Any) -> list[tuple[Any, ...]]:
        rows = run(name, parameters)
        if not seen:
            assert (name, rows) == ("claim", [])
            let_go.set()
            worker.join()  # by its own clock the timer is not up yet
        seen.append(name)
        return rows

    second.store.run = let_go_after_the_first_claim  # type: ignore[method-assign]
    ahead = VirtualClock()
    ahead.advance(EPOCH + timedelta(seconds=1))
    second.clock = second.claims._clock = second.writer._clock = ahead
    second.resume(bench.id)
    assert bench.status() == "completed"
    assert [call.step_id for call in bench.calls] == ["ship"]


def test_the_lease_of_an_outer_execution_is_renewed_during_and_after_an_inner_one(bench: Bench) -> None:
    """An activity may run another execution on its own engine, and go on for long."""
    engine, inner = bench.engines[0], uuid4()
    engine.renewer = Renewer(bench.dsn, bench.clock, every_s=0.01)
    work = flow(ActivityNode(id="work", activity="do"), edges="start>work")
    renewed: list[bool] = []

    def expires(execution_id: UUID) -> Any:
        return dict(bench.sql("SELECT id, lease_expires_at FROM workflow_executions"))[execution_id]

    def nest(call: ActivityCall) -> None:
        if call.execution_id == bench.id:
            engine.execute(ExecutionRequest(execution_id=inner, workflow=work, input=None))
        bench.clock.advance(bench.clock.now() + timedelta(seconds=20))
        wanted = bench.clock.now() + TTL
        renewed.append(any(expires(bench.id) == wanted or threading.Event().wait(0.01) for _ in range(1_000)))

    bench.during = nest
    bench.start(work)
    assert renewed == [True, True]
    assert bench.status() == "completed"


def test_a_clock_that_fails_once_does_not_end_the_renewing_for_good(bench: Bench) -> None:
    """The thread ends with the error, which Python shows; the next activity has a new one."""
    died = threading.Event()

    class Broken(VirtualClock):
        def now(self) -> Any:
            raise RuntimeError("no time")

    renewer = Renewer(bench.dsn, Broken(), every_s=0.01)
    threading.excepthook, before = lambda _: died.set(), threading.excepthook
    try:
        renewer.watch(bench.id, 1, "me")
        thread = renewer._thread
        assert thread is not None
        assert died.wait(60)
        thread.join()
    finally:
        threading.excepthook = before
    renewer.rest()
    renewer.watch(bench.id, 1, "me")
    again = renewer._thread
    assert again is not thread
    renewer.rest()
    renewer.close()


def test_an_interrupt_while_postgres_works_leaves_an_engine_that_goes_on(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = flow(*(ActivityNode(id=name, activity="do") for name in "abcd"), edges="start>a a>b b>c c>d")
    engine = bench.engines[0]
    of = engine.lines.of

    def interrupt(*arguments: Any) -> list[str]:
        if len(bench.calls) == 3:
            monkeypatch.undo()
            raise KeyboardInterrupt
        return of(*arguments)

    monkeypatch.setattr(engine.lines, "of", interrupt)
    with pytest.raises(KeyboardInterrupt):
        bench.start(chain)
    engine.resume(bench.id)
    assert bench.status() == "completed"
    assert len(bench.calls) in {4, 5}


def test_a_commit_that_its_lost_connection_still_makes_is_found_by_the_second_try(bench: Bench) -> None:
    """The first try is stuck in Postgres when its connection breaks; it lands while the second waits behind it."""
    engine = bench.engines[0]
    waiting = """
        SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"""
    blocker = psycopg.connect(bench.dsn)

    def wait_for(sessions: int) -> None:
        while bench.sql(waiting) != [(sessions,)]:
            threading.Event().wait(0.01)

    def break_in() -> None:
        with blocker:
            wait_for(1)
            with socket.socket(fileno=os.dup(engine.store.connection.pgconn.socket)) as line:
                line.shutdown(socket.SHUT_RDWR)
            wait_for(2)

    meddler = threading.Thread(target=break_in)

    def block(call: ActivityCall) -> None:
        if call.step_id == "b":
            blocker.execute("SELECT 1 FROM workflow_executions FOR UPDATE")
            meddler.start()

    bench.during = block
    bench.start(flow(*(ActivityNode(id=name, activity="do") for name in "abc"), edges="start>a a>b b>c"))
    meddler.join()
    journal = engine.journal(bench.id)
    assert journal.execution.status == "completed"
    assert [call.step_id for call in bench.calls] == ["a", "b", "c"]
    assert [checkpoint.version for checkpoint in journal.checkpoints] == [1, 2, 3, 4]
    assert [event.sequence for event in journal.events] == list(range(1, len(journal.events) + 1))


@pytest.mark.parametrize("ids", [["1"] * 6, ["1", "2", "3", "4", "5", "6"]])
def test_signals_that_many_workers_bring_at_once_serve_one_wait_each(bench: Bench, ids: list[str]) -> None:
    names = [f"w{i}" for i in range(6)]
    waits = (WaitNode(id=name, signal="go") for name in names)
    bench.start(flow(*waits, edges=" ".join(f"start>{name}" for name in names)))
    barrier = threading.Barrier(len(ids))

    def bring(signal_id: str) -> None:
        engine = bench.engine()
        barrier.wait()
        while True:
            try:
                return engine.resume(bench.id, Signal(id=signal_id, name="go"))
            except ExecutionHeld:
                continue

    with ThreadPoolExecutor(len(ids)) as pool:
        list(pool.map(bring, ids))
    expected = {name: "completed" if i < len(set(ids)) else "paused" for i, name in enumerate(names)}
    assert {name: status for name, status in bench.steps().items() if name != "start"} == expected
    events = [event.type for event in bench.engines[0].journal(bench.id).events]
    assert events.count("SIGNAL_RECEIVED") == len(set(ids))
    assert bench.status() == ("completed" if len(set(ids)) == 6 else "running")
