"""V2 on a real Postgres when things go wrong: crashes, takeovers, lost connections, refused commits, changed rows."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, cast
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from cutover.engines.api import (
    ActivityCall,
    ActivityNode,
    ActivityResult,
    ConditionNode,
    Edge,
    EngineContext,
    ExecutionRequest,
    JoinNode,
    Journal,
    LoopNode,
    Signal,
    StartNode,
    WaitNode,
    Workflow,
)
from cutover.engines.errors import ActivityError, EngineError, ExecutionHeld, LeaseLost
from cutover.engines.v2.checkpoints import CheckpointCorrupt
from cutover.engines.v2.lease import TTL, Held, Renewer
from cutover.engines.v2.orchestrator import OrchestratorV2, create
from cutover.engines.v2.store import PostgresRefused, Statement
from cutover.harness.run.world.clock import EPOCH, VirtualClock

ITEM = Workflow(
    id="item",
    nodes=(StartNode(id="start"), ActivityNode(id="pack", activity="do")),
    edges=(Edge(source="start", target="pack"),),
)
ORDER = Workflow(
    id="order",
    nodes=(
        StartNode(id="start"),
        ActivityNode(id="reserve", activity="do"),
        ActivityNode(id="price", activity="do"),
        ConditionNode(id="big", expression="length(@.items) > `1`"),
        LoopNode(id="each", items="items", body=ITEM),
        ActivityNode(id="small", activity="do"),
        JoinNode(id="first", mode="any"),
        ActivityNode(id="ship", activity="do"),
        WaitNode(id="paid", signal="paid", timeout_ms=60_000),
        ActivityNode(id="mail", activity="do"),
    ),
    edges=(
        Edge(source="start", target="reserve"),
        Edge(source="start", target="price"),
        Edge(source="start", target="big"),
        Edge(source="big", target="each", port="true"),
        Edge(source="big", target="small", port="false"),
        Edge(source="each", target="first"),
        Edge(source="small", target="first"),
        Edge(source="price", target="first"),
        Edge(source="first", target="ship"),
        Edge(source="reserve", target="ship"),
        Edge(source="ship", target="paid"),
        Edge(source="paid", target="mail"),
    ),
)
"""Every kind of node; six activity steps with two items."""


def chain(length: int) -> Workflow:
    names = ["start", *(f"n{i}" for i in range(length))]
    activities = [ActivityNode(id=name, activity="do") for name in names[1:]]
    edges = tuple(Edge(source=a, target=b) for a, b in pairwise(names))
    return Workflow(id="chain", nodes=(StartNode(id="start"), *activities), edges=edges)


class Killed(BaseException):
    """Stands for the end of a process: nothing in an engine may catch it."""


class Constant:
    """A world that always says the same."""

    def call(self, call: ActivityCall) -> ActivityResult:
        return ActivityResult(output=len(call.activity))


class Bench:
    """A database, a clock and a world that several engines share; `before` and `after` may break in on a call."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self.clock = VirtualClock()
        self.logs: list[str] = []
        self.calls: list[ActivityCall] = []
        self.before: Callable[[int], None] = lambda _: None
        self.after: Callable[[int], None] = lambda _: None
        self.engines: list[OrchestratorV2] = []
        self.id = uuid4()
        self.engine().install()

    def call(self, call: ActivityCall) -> ActivityResult:
        number = len(self.calls) + 1
        self.before(number)
        self.calls.append(call)
        self.after(number)
        return ActivityResult(output={"of": call.step_id, "got": call.input})

    def engine(self) -> OrchestratorV2:
        made = create(EngineContext(dsn=self.dsn, activities=self, clock=self.clock, log=self.logs.append))
        self.engines.append(made)
        return made

    def request(self, workflow: Workflow = ORDER) -> ExecutionRequest:
        return ExecutionRequest(execution_id=self.id, workflow=workflow, input={"items": ["a", "b"]})

    def journal(self) -> Journal:
        return self.engines[0].journal(self.id)

    def sql(self, statement: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), parameters)
            return cursor.fetchall() if cursor.description else []


@pytest.fixture
def bench(dsn: str) -> Iterator[Bench]:
    made = Bench(dsn)
    yield made
    for engine in made.engines:
        engine.close()


def without_giving_up(engine: OrchestratorV2) -> OrchestratorV2:
    """The engine as its process would leave things if it died: the lease stays as it is."""

    def nothing(_: UUID, __: int) -> AbstractContextManager[None]:
        return nullcontext()

    cast("Any", engine.claims).giving_up = nothing
    return engine


def outcome(journal: Journal) -> tuple[str, str | None, dict[str, tuple[str, str | None]]]:
    return (
        journal.execution.status,
        journal.execution.output,
        {step.step_id: (step.status, step.output) for step in journal.steps},
    )


def finish(bench: Bench, engine: OrchestratorV2) -> Journal:
    """Delivers the signal that the order waits for."""
    engine.resume(bench.id, Signal(id="p", name="paid", payload=1))
    return bench.journal()


def dense(journal: Journal) -> bool:
    return [e.sequence for e in journal.events] == list(range(1, len(journal.events) + 1)) and [
        c.version for c in journal.checkpoints
    ] == list(range(1, journal.execution.version + 1))


def test_a_crash_before_or_after_any_effect_repeats_only_that_call_with_the_same_key(bench: Bench) -> None:
    expected = outcome(drive(bench, bench.engines[0]))
    clean = [(c.step_id, c.input) for c in bench.calls]
    assert expected[0] == "completed"
    assert len(clean) == 6
    for place in ("before", "after"):
        for number in range(1, 7):
            crash_at(bench, place, number)
            bench.engine().resume(bench.id)
            assert outcome(finish(bench, bench.engine())) == expected
            seen = [(c.step_id, c.input) for c in bench.calls]
            if place == "after":
                assert seen[number - 1] == seen.pop(number)
            assert seen == clean
            assert {c.attempt for c in bench.calls} == {1}
            assert {c.idempotency_key for c in bench.calls} == {f"{bench.id}:{step_id}" for step_id, _ in clean}
            assert dense(bench.journal())
            bench.before = bench.after = lambda _: None


def drive(bench: Bench, engine: OrchestratorV2) -> Journal:
    engine.execute(bench.request())
    return finish(bench, engine)


def crash_at(bench: Bench, place: str, number: int) -> None:
    """Runs a new order until its call of that number, where the process dies; its lease runs out then."""

    def die(this: int) -> None:
        if this == number:
            bench.before = bench.after = lambda _: None
            raise Killed

    bench.id = uuid4()
    bench.calls.clear()
    setattr(bench, place, die)
    engine = without_giving_up(bench.engine())
    with pytest.raises(Killed):
        drive(bench, engine)
    with pytest.raises(ExecutionHeld, match="driven by"):
        bench.engine().resume(bench.id)
    bench.clock.advance(bench.clock.now() + TTL)


def test_a_crash_in_backoff_neither_loses_nor_restarts_it(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    times: list[datetime] = []

    def die(_: datetime) -> None:
        raise Killed

    failures = iter([True, False])
    attempts: list[int] = []

    def call(call: ActivityCall) -> ActivityResult:
        attempts.append(call.attempt)
        times.append(bench.clock.now())
        if next(failures):
            raise ActivityError("down")
        return ActivityResult(output=1)

    monkeypatch.setattr(bench, "call", call)
    engine = without_giving_up(bench.engine())
    with monkeypatch.context() as patch:
        patch.setattr(bench.clock, "sleep_until", die)
        with pytest.raises(Killed):
            engine.execute(bench.request(chain(1)))
    due = EPOCH + timedelta(seconds=1)
    assert [(t.attempt, t.due_at, t.fired_at) for t in bench.journal().timers] == [(2, due, None)]
    bench.clock.advance(EPOCH + timedelta(milliseconds=400))
    bench.sql("UPDATE workflow_executions SET lease_expires_at = %(now)s", {"now": bench.clock.now()})
    bench.engine().resume(bench.id)
    assert attempts == [1, 2]
    assert times == [EPOCH, due]
    assert [(t.attempt, t.due_at, t.fired_at) for t in bench.journal().timers] == [(2, due, due)]


def test_a_worker_that_lost_its_lease_writes_nothing_and_learns_it(bench: Bench) -> None:
    other = bench.engine()
    found: list[Journal] = []

    def interfere(number: int) -> None:
        if number == 1:
            with pytest.raises(ExecutionHeld):
                other.resume(bench.id)
            bench.clock.advance(bench.clock.now() + TTL)
            other.resume(bench.id)
            found.append(bench.journal())

    bench.after = interfere
    with pytest.raises(LeaseLost, match="taken over"):
        bench.engines[0].execute(bench.request(chain(3)))
    assert found[0].execution.status == "completed"
    assert bench.journal() == found[0]
    assert [c.step_id for c in bench.calls] == ["n0", "n0", "n1", "n2"]


def test_cancel_fences_the_worker_that_is_at_work(bench: Bench) -> None:
    bench.after = lambda number: bench.engine().cancel(bench.id) if number == 2 else None
    with pytest.raises(LeaseLost):
        bench.engines[0].execute(bench.request(chain(3)))
    journal = bench.journal()
    assert journal.execution.status == "cancelled"
    assert {s.step_id: s.status for s in journal.steps} == {"start": "completed", "n0": "completed", "n1": "cancelled"}
    assert [(m.step_id, m.status) for m in journal.metrics] == [("n0", "success"), ("n1", "cancelled")]
    assert dense(journal)


def test_an_activity_cannot_adopt_the_execution_that_called_it(bench: Bench) -> None:
    def call_back(number: int) -> None:
        with pytest.raises(ExecutionHeld, match="this very worker"):
            bench.engines[0].resume(bench.id)
        assert number == 1

    bench.after = call_back
    bench.engines[0].execute(bench.request(chain(1)))
    assert len(bench.calls) == 1


def test_an_error_of_the_world_lets_the_lease_go_at_once(bench: Bench) -> None:
    def break_down(_: int) -> None:
        bench.after = lambda _: None
        raise RuntimeError("a bug in the activity")

    bench.after = break_down
    with pytest.raises(RuntimeError):
        bench.engines[0].execute(bench.request(chain(1)))
    bench.engine().resume(bench.id)
    assert bench.journal().execution.status == "completed"
    assert [c.attempt for c in bench.calls] == [1, 1]
    lines = [json.loads(line) for line in bench.logs]
    assert [x["step_id"] for x in lines if x["type"] == "REDELIVERY"] == ["n0"]


def test_executing_and_resuming_again_changes_no_row(bench: Bench) -> None:
    rows = "SELECT e.*, e.xmin FROM workflow_executions e"
    bench.engines[0].execute(bench.request())
    waiting = (bench.journal(), bench.sql(rows))
    for engine in (bench.engines[0], bench.engine()):
        engine.resume(bench.id)
        engine.execute(bench.request())
    assert (bench.journal(), bench.sql(rows)) == waiting
    finish(bench, bench.engine())
    ended, calls = (bench.journal(), bench.sql(rows)), len(bench.calls)
    for engine in (bench.engines[0], bench.engine()):
        engine.resume(bench.id)
        engine.execute(bench.request())
        engine.cancel(bench.id)
        finish(bench, engine)
        engine.resume(bench.id, Signal(id="late", name="paid"))
    assert (bench.journal(), bench.sql(rows), len(bench.calls)) == (*ended, calls)


def test_of_many_workers_at_once_one_runs(bench: Bench) -> None:
    def die(_: int) -> None:
        bench.before = lambda _: None
        raise Killed

    bench.before = die
    with pytest.raises(Killed):
        without_giving_up(bench.engine()).execute(bench.request(chain(1)))
    bench.clock.advance(bench.clock.now() + TTL)
    engines = [bench.engine() for _ in range(6)]
    barrier = threading.Barrier(len(engines))

    def contend(engine: OrchestratorV2) -> str:
        barrier.wait()
        try:
            engine.resume(bench.id)
        except ExecutionHeld:
            return "held"
        return "done"

    with ThreadPoolExecutor(len(engines)) as pool:
        assert "done" in set(pool.map(contend, engines))
    assert len(bench.calls) == 1
    assert bench.journal().execution.status == "completed"
    assert bench.sql("SELECT lease_epoch FROM workflow_executions") == [(2,)]


@pytest.mark.parametrize("answered", [False, True])
@pytest.mark.parametrize("number", [1, 2, 4])
def test_a_commit_whose_answer_was_lost_is_looked_up_and_not_repeated(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, number: int, *, answered: bool
) -> None:
    engine = bench.engine()
    send = engine.store._commit
    sent: list[Statement] = []

    def lose(statement: Statement, parameters: Sequence[str | None], meanwhile: Callable[[], None]) -> bool:
        sent.append(statement)
        if len(sent) != number:
            return send(statement, parameters, meanwhile)
        if answered:
            send(statement, parameters, meanwhile)
        engine.store.connection.close()
        raise psycopg.OperationalError("the connection is gone")

    monkeypatch.setattr(engine.store, "_commit", lose)
    engine.execute(bench.request(chain(3)))
    journal = bench.journal()
    assert journal.execution.status == "completed"
    assert dense(journal)
    assert [(c.step_id, c.attempt) for c in bench.calls] == [("n0", 1), ("n1", 1), ("n2", 1)]


def test_a_connection_that_is_cut_between_two_steps_is_opened_again(bench: Bench) -> None:
    cut = """
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()"""

    def kill(number: int) -> None:
        if number == 2:
            bench.sql(cut)

    bench.after = kill
    bench.engines[0].execute(bench.request(chain(3)))
    assert bench.journal().execution.status == "completed"
    assert [c.step_id for c in bench.calls] == ["n0", "n1", "n2"]
    assert dense(bench.journal())


@pytest.mark.parametrize("state", ["40001", "40P01"])
def test_a_refused_commit_is_sent_again_and_never_becomes_a_result(bench: Bench, state: str) -> None:
    bench.sql("CREATE SEQUENCE tries")
    bench.sql(f"""
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF nextval('tries') IN (2, 3) THEN RAISE EXCEPTION 'try again' USING ERRCODE = '{state}'; END IF;
            RETURN NEW;
        END $$""")
    bench.sql("CREATE TRIGGER refuse BEFORE INSERT ON workflow_checkpoints FOR EACH ROW EXECUTE FUNCTION refuse()")
    bench.engines[0].execute(bench.request(chain(2)))
    journal = bench.journal()
    assert journal.execution.status == "completed"
    assert [c.step_id for c in bench.calls] == ["n0", "n1"]
    assert [c.error_message for c in journal.checkpoints] == [None, f"{state}: try again", None]
    failed = bench.sql("SELECT version FROM workflow_checkpoints WHERE metadata->>'error' IS NOT NULL")
    assert failed == [(2,)]
    assert dense(journal)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE workflow_checkpoints SET state = '{}' WHERE version = 1",
        "DELETE FROM workflow_checkpoints WHERE version = 2",
        "DELETE FROM workflow_checkpoints WHERE version = (SELECT max(version) FROM workflow_checkpoints)",
        "UPDATE workflow_step_executions SET output = '1' WHERE step_id = 'reserve'",
        "UPDATE workflow_step_executions SET status = 'running' WHERE step_id = 'ship'",
        "UPDATE workflow_executions SET checkpoint_version = checkpoint_version + 1",
    ],
)
def test_rows_that_were_changed_are_refused_before_any_activity(bench: Bench, change: str) -> None:
    bench.engines[0].execute(bench.request())
    calls = len(bench.calls)
    bench.sql(change)
    with pytest.raises(CheckpointCorrupt):
        finish(bench, bench.engines[0])
    assert len(bench.calls) == calls


DAMAGES = [
    "UPDATE workflow_checkpoints SET state = '{}' WHERE version = 1",
    "UPDATE workflow_checkpoints SET state = '[]', checksum = 'x'",
    "DELETE FROM workflow_checkpoints",
    "UPDATE workflow_checkpoints SET schema_version = 2",
    "UPDATE workflow_step_executions SET output = '1' WHERE step_id = 'reserve'",
    "UPDATE workflow_step_executions SET status = 'running' WHERE step_id = 'ship'",
    "UPDATE workflow_step_executions SET status = 'pending' WHERE step_id = 'start'",
    "DELETE FROM workflow_step_executions WHERE step_id = 'start'",
    "UPDATE workflow_executions SET checkpoint_version = checkpoint_version + 1",
    "UPDATE workflow_executions SET last_sequence = 0",
    "UPDATE workflow_executions SET definition = '[]'",
    'UPDATE workflow_executions SET definition = \'{"id": "w", "nodes": []}\'',
    """INSERT INTO workflow_events (execution_id, sequence, event_type, payload)
    SELECT execution_id, max(sequence) + 1, 'NOTE', '{}' FROM workflow_events GROUP BY execution_id""",
]


@pytest.mark.parametrize("change", DAMAGES)
def test_an_execution_whose_rows_are_damaged_can_be_cancelled(bench: Bench, change: str) -> None:
    bench.engines[0].execute(bench.request())
    calls, before = len(bench.calls), bench.journal()
    assert before.execution.status == "running"
    bench.sql(change)
    bench.engine().cancel(bench.id)
    after = bench.journal()
    assert after.execution.status == "cancelled"
    assert after.execution.finished_at is not None
    assert {step.status for step in after.steps} <= {"completed", "skipped", "cancelled", "failed"}
    assert next(step.status for step in after.steps if step.step_id == "paid") == "cancelled"
    assert after.events[: len(before.events)] == before.events
    last = after.events[-1]
    assert (last.scope, last.from_state, last.event, last.to_state) == ("execution", "running", "CANCEL", "cancelled")
    assert [event.sequence for event in after.events] == list(range(1, len(after.events) + 1))
    assert len([line for line in bench.logs if '"event": "CANCEL"' in line]) >= 2
    bench.engine().cancel(bench.id)
    bench.engine().resume(bench.id, Signal(id="p", name="paid", payload=1))
    assert bench.journal() == after
    assert len(bench.calls) == calls


def test_what_is_damaged_is_said_where_the_checkpoints_were_not_used(bench: Bench) -> None:
    bench.engines[0].execute(bench.request())
    bench.sql("DELETE FROM workflow_checkpoints WHERE version = 2")
    bench.engines[0].cancel(bench.id)
    error = bench.journal().execution.error
    assert error is not None
    assert error.startswith(
        "cancelled without its checkpoints, which cannot be trusted: CheckpointCorrupt: checkpoint 3"
    )
    assert [line for line in bench.logs if '"type": "DAMAGED"' in line and '"level": "error"' in line]


def test_a_damaged_execution_is_taken_from_the_worker_that_is_at_it(bench: Bench) -> None:
    """Inside an iteration: the step goes before its loop, and what the worker had done is not written."""

    def breaks_in(number: int) -> None:
        if number == 3:
            bench.sql("UPDATE workflow_checkpoints SET checksum = 'x' WHERE version = 1")
            bench.engine().cancel(bench.id)

    bench.before = breaks_in
    with pytest.raises(LeaseLost):
        bench.engines[0].execute(bench.request())
    journal = bench.journal()
    assert journal.execution.status == "cancelled"
    ended = [(event.step_id, event.from_state) for event in journal.events if event.event == "CANCEL"]
    assert ended == [("each[0]/pack", "running"), ("each", "running"), (None, "running")]
    assert {step.step_id: step.status for step in journal.steps}["each[0]/pack"] == "cancelled"


def test_a_server_that_refuses_to_read_is_no_damage(bench: Bench) -> None:
    """An execution that is whole must not lose its last checkpoint because the server was busy."""
    bench.engines[0].execute(bench.request())
    engine = bench.engine()
    bench.sql("ALTER TABLE workflow_timers RENAME COLUMN due_at TO due")
    with pytest.raises(PostgresRefused, match="due_at"):
        engine.cancel(bench.id)
    bench.sql("ALTER TABLE workflow_timers RENAME COLUMN due TO due_at")
    engine.cancel(bench.id)
    journal = bench.journal()
    assert (journal.execution.status, journal.execution.error) == ("cancelled", None)
    assert dense(journal)


def test_one_statement_one_round_trip_and_one_commit_a_step(bench: Bench, tmp_path: Any) -> None:
    engine = bench.engine()
    engine.execute(bench.request(chain(1)))
    bench.id = uuid4()
    trace = tmp_path / "trace"
    with trace.open("wb") as file:
        engine.store.connection.pgconn.trace(file.fileno())
        engine.execute(bench.request(chain(20)))
        engine.store.connection.pgconn.untrace()
    messages = [line.split("\t") for line in trace.read_text().splitlines()]
    sent = [fields[3].split(" ")[0] for fields in messages if fields[1] == "F"]
    assert sent.count("Sync") == 21
    assert sent.count("Execute") == 21
    assert "Query" not in sent
    commits = "SELECT c.xmin::text, count(*) FROM workflow_checkpoints c JOIN workflow_events e USING (execution_id) {}"
    matched = "WHERE c.execution_id = %(id)s AND e.xmin = c.xmin GROUP BY 1"
    assert len(bench.sql(commits.format(matched), {"id": bench.id})) == 21


def test_the_bytes_of_a_step_do_not_grow_with_the_steps_before_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench.engines[0], "activities", Constant())
    send, sizes = bench.engines[0].store._commit, []

    def weigh(statement: Statement, parameters: Sequence[str | None], meanwhile: Callable[[], None]) -> bool:
        sizes.append(sum(len(value) for value in parameters if value is not None))
        return send(statement, parameters, meanwhile)

    monkeypatch.setattr(bench.engines[0].store, "_commit", weigh)
    bench.engines[0].execute(bench.request(chain(150)))
    assert len(sizes) == 151
    assert max(sizes[120:-1]) - min(sizes[10:90]) < 60


def test_the_rows_that_a_step_reads_do_not_grow_with_the_steps_before_it(bench: Bench) -> None:
    engine = bench.engine()
    engine.activities = Constant()
    engine.execute(bench.request(chain(1)))
    bench.id = uuid4()
    engine.execute(bench.request(chain(100)))
    engine.close()
    read = """
        SELECT coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)), 0)::int, sum(n_tup_ins)::int
        FROM pg_stat_user_tables WHERE relname = 'workflow_step_executions'"""
    rows = written = 0
    for _ in range(200):
        rows, written = bench.sql(read)[0]
        if written == 103:
            break
        threading.Event().wait(0.02)
    assert written == 103
    assert rows <= 500


def test_a_lease_is_renewed_while_an_activity_runs_long(bench: Bench) -> None:
    engine = bench.engine()
    engine.renewer = Renewer(bench.dsn, bench.clock, every_s=0.01)
    lease = "SELECT lease_expires_at FROM workflow_executions"
    renewed: list[datetime] = []

    def run_long(_: int) -> None:
        bench.clock.advance(EPOCH + timedelta(seconds=20))
        for _ in range(1_000):
            renewed[:] = [bench.sql(lease)[0][0]]
            if renewed[0] > EPOCH + TTL:
                return
            threading.Event().wait(0.01)

    bench.after = run_long
    engine.execute(bench.request(chain(1)))
    assert renewed == [EPOCH + timedelta(seconds=50)]
    assert bench.journal().execution.status == "completed"


def test_a_lost_lease_is_not_renewed(bench: Bench) -> None:
    engine = bench.engine()

    def renew(_: int) -> None:
        before = bench.sql("SELECT lease_expires_at FROM workflow_executions")
        bench.clock.advance(EPOCH + timedelta(seconds=9))
        stale = Held(bench.id, 0, engine.owner, 0.0)
        connection = engine.renewer._renew(None, stale)
        assert bench.sql("SELECT lease_expires_at FROM workflow_executions") == before
        connection = engine.renewer._renew(connection, stale._replace(epoch=1))
        assert bench.sql("SELECT lease_expires_at FROM workflow_executions") == [(EPOCH + timedelta(seconds=39),)]
        assert connection is not None
        connection.close()

    bench.after = renew
    engine.execute(bench.request(chain(1)))
    assert bench.journal().execution.status == "completed"


def test_an_execution_of_v1_is_left_to_v1(bench: Bench) -> None:
    bench.engines[0].execute(bench.request())
    bench.sql("""UPDATE workflow_executions SET metadata = '{"orchestrator_version": "v1"}'""")
    with pytest.raises(EngineError, match="served by v1"):
        bench.engines[0].resume(bench.id)


def test_two_executions_in_one_process_share_nothing(bench: Bench) -> None:
    first = bench.request(chain(2))
    second = replace(first, execution_id=uuid4(), input="other")
    engine = bench.engine()

    def interleave(number: int) -> None:
        if number == 1:
            engine.execute(second)

    bench.after = interleave
    engine.execute(first)
    assert bench.journal().execution.status == "completed"
    assert [(c.execution_id == bench.id, c.step_id) for c in bench.calls] == [
        (True, "n0"),
        (False, "n0"),
        (False, "n1"),
        (True, "n1"),
    ]
    assert "other" not in str(bench.journal())


def test_the_database_refuses_a_transition_that_the_table_lacks(bench: Bench) -> None:
    bench.engines[0].execute(bench.request(chain(1)))
    revive = """
        INSERT INTO workflow_events
            (execution_id, sequence, event_type, transition, payload)
        SELECT id, last_sequence + 1, 'STATE_TRANSITION', 'execution completed START running', '{}'
        FROM workflow_executions"""
    with pytest.raises(psycopg.errors.InvalidTextRepresentation, match="workflow_transition"):
        bench.sql(revive)


def test_installing_again_waits_for_nobody_who_is_at_work(bench: Bench) -> None:
    bench.engines[0].execute(bench.request(chain(1)))
    impatient = create(
        EngineContext(
            dsn=make_conninfo(bench.dsn, options="-c lock_timeout=1000"),
            activities=bench,
            clock=bench.clock,
            log=bench.logs.append,
        )
    )
    with psycopg.connect(bench.dsn) as busy:
        busy.execute("UPDATE workflow_executions SET error = NULL")
        busy.execute("INSERT INTO workflow_timers SELECT id, 'x', 'wait', 1, now() FROM workflow_executions")
        impatient.install()
    impatient.close()


def test_installing_makes_what_an_older_schema_lacks(bench: Bench) -> None:
    bench.sql("DROP TABLE workflow_signals")
    bench.sql("COMMENT ON TABLE workflow_checkpoints IS 'engines.v2 of an older kind'")
    bench.engines[0].install()
    assert bench.sql("SELECT count(*) FROM workflow_signals") == [(0,)]


@pytest.mark.parametrize(
    ("kind", "transition", "step"),
    [
        ("STATE_TRANSITION", None, None),
        ("NOTE", "execution running FAIL failed", None),
        ("STATE_TRANSITION", "execution running FAIL failed", "n0"),
        ("STATE_TRANSITION", "step running FAIL failed", None),
    ],
)
def test_the_database_refuses_an_event_that_contradicts_itself(
    bench: Bench, kind: str, transition: str | None, step: str | None
) -> None:
    bench.engines[0].execute(bench.request(chain(1)))
    insert = """
        INSERT INTO workflow_events (execution_id, sequence, event_type, transition, step_id, payload)
        SELECT id, last_sequence + 1, %(kind)s, %(transition)s::workflow_transition, %(step)s, '{}'
        FROM workflow_executions"""
    with pytest.raises(psycopg.errors.CheckViolation):
        bench.sql(insert, {"kind": kind, "transition": transition, "step": step})


def test_all_rows_of_an_execution_go_with_it_and_those_of_others_stay(bench: Bench) -> None:
    other = uuid4()
    bench.engines[0].execute(bench.request())
    bench.engines[0].execute(replace(bench.request(), execution_id=other))
    count = """
        SELECT e.id, (SELECT count(*) FROM workflow_step_executions WHERE execution_id = e.id),
               (SELECT count(*) FROM workflow_events WHERE execution_id = e.id),
               (SELECT count(*) FROM workflow_checkpoints WHERE execution_id = e.id),
               (SELECT count(*) FROM workflow_metrics WHERE execution_id = e.id),
               (SELECT count(*) FROM workflow_timers WHERE execution_id = e.id)
        FROM (VALUES (%(one)s::uuid), (%(other)s::uuid)) AS e (id) ORDER BY e.id = %(one)s"""
    ids = {"one": bench.id, "other": other}
    kept, before = bench.sql(count, ids)
    bench.sql("DELETE FROM workflow_executions WHERE id = %(one)s", ids)
    assert bench.sql(count, ids) == [kept, (bench.id, 0, 0, 0, 0, 0)]
    assert all(before[1:5])
    assert kept[1:] == before[1:]
