"""V2 on databases that are set up in other ways than ours: settings, schemas, roles, and what Postgres refuses."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

from cutover.engines.api import (
    ActivityCall,
    ActivityNode,
    ActivityResult,
    Edge,
    EngineContext,
    ExecutionRequest,
    Signal,
    StartNode,
    WaitNode,
    Workflow,
)
from cutover.engines.errors import ActivityError, EngineError, ExecutionHeld
from cutover.engines.v2.orchestrator import OrchestratorV2, create
from cutover.engines.v2.store import PostgresRefused
from cutover.harness.run.world.clock import EPOCH, VirtualClock

FLOW = Workflow(
    id="w",
    nodes=(
        StartNode(id="start"),
        ActivityNode(id="ship", activity="do"),
        WaitNode(id="paid", signal="paid", timeout_ms=60_000),
    ),
    edges=(Edge(source="start", target="ship"), Edge(source="ship", target="paid")),
)
ID = UUID(int=7)
PASSWORD = uuid4().hex
SETTINGS = {
    "DateStyle": "German, DMY",
    "IntervalStyle": "sql_standard",
    "TimeZone": "Asia/Kathmandu",
    "standard_conforming_strings": "off",
    "backslash_quote": "off",
    "bytea_output": "escape",
    "client_encoding": "LATIN1",
    "extra_float_digits": "-15",
    "default_transaction_isolation": "serializable",
    "array_nulls": "off",
    "xmloption": "document",
}


class Bench:
    """A database, and engines on it that each connect with options of their own."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self.clock = VirtualClock()
        self.during: Callable[[], None] = lambda: None
        self.answer = ActivityResult(output="sent")
        self.engines: list[OrchestratorV2] = []

    def call(self, call: ActivityCall) -> ActivityResult:
        self.during()
        if call.attempt == 1:
            raise ActivityError("once")
        return self.answer

    def engine(self, **connection: str) -> OrchestratorV2:
        dsn = make_conninfo(self.dsn, **connection)
        context = EngineContext(dsn=dsn, activities=self, clock=self.clock, log=lambda _line: None)
        self.engines.append(create(context))
        return self.engines[-1]

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []


@pytest.fixture
def bench(dsn: str) -> Iterator[Bench]:
    made = Bench(dsn)
    yield made
    for engine in made.engines:
        engine.close()


def request(execution_id: UUID = ID) -> ExecutionRequest:
    return ExecutionRequest(execution_id=execution_id, workflow=FLOW, input="é\x00\\'%{}")


def test_settings_of_the_database_change_nothing(bench: Bench) -> None:
    with psycopg.connect(bench.dsn, autocommit=True) as connection:
        for name, value in SETTINGS.items():
            statement = SQL("ALTER DATABASE {} SET {} = {}")
            connection.execute(statement.format(Identifier(connection.info.dbname), Identifier(name), value))
    engine, other = bench.engine(), bench.engine()
    engine.install()

    def meet() -> None:
        with pytest.raises(ExecutionHeld, match="driven by"):
            other.resume(ID)

    bench.during = meet
    engine.execute(request())
    due = {timer.kind: timer.due_at - EPOCH for timer in engine.journal(ID).timers}
    assert due == {"retry": timedelta(seconds=1), "wait": timedelta(seconds=61)}
    other.resume(ID, Signal(id="1", name="paid", payload="ü\x00"))
    journal = other.journal(ID)
    assert (journal.execution.status, journal.execution.input, journal.execution.output) == (
        "completed",
        '"\\u00e9\\u0000\\\\\'%{}"',
        '"\\u00fc\\u0000"',
    )


@pytest.mark.parametrize("by", ["dsn", "environment"])
def test_a_schema_of_its_own(bench: Bench, by: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the connection string or the environment names it, as for every other user of libpq."""
    bench.sql("CREATE SCHEMA app")
    options = {"options": "-c search_path=app"}
    if by == "environment":
        monkeypatch.setenv("PGOPTIONS", options.pop("options"))
    engine = bench.engine(**options)
    engine.install()
    engine.execute(request())
    assert engine.journal(ID).execution.status == "running"
    tables = "SELECT DISTINCT schemaname::text FROM pg_tables WHERE tablename LIKE 'workflow_%'"
    assert bench.sql(tables) == [("app",)]


def test_rows_go_with_their_execution_whatever_schemas_the_session_that_deletes_it_looks_in(bench: Bench) -> None:
    bench.sql("CREATE SCHEMA app")
    for options in ("-c search_path=app", "-c search_path=public"):
        engine = bench.engine(options=options)
        engine.install()
        engine.execute(request())
    bench.sql("DELETE FROM app.workflow_executions")
    left = "SELECT (SELECT count(*) FROM app.workflow_events), (SELECT count(*) FROM public.workflow_events) > 0"
    assert bench.sql(left) == [(0, True)]


@pytest.fixture
def worker(bench: Bench) -> Iterator[str]:
    """A role that owns nothing."""
    name = f"worker_{uuid4().hex}"
    bench.sql(f"CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'")
    yield name
    for engine in bench.engines:
        engine.close()
    bench.sql(f"DROP OWNED BY {name}")
    bench.sql(f"DROP ROLE {name}")


def test_a_role_that_owns_nothing_works_and_may_install_again(bench: Bench, worker: str) -> None:
    bench.engine().install()
    bench.sql(f"GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO {worker}")
    engine = bench.engine(user=worker, password=PASSWORD)
    engine.install()
    engine.execute(request())
    engine.resume(ID, Signal(id="1", name="paid"))
    assert engine.journal(ID).execution.status == "completed"


def test_what_a_role_may_not_do_is_said_in_postgres_words(bench: Bench, worker: str) -> None:
    engine = bench.engine(user=worker, password=PASSWORD)
    with pytest.raises(PostgresRefused, match=r"42501.*permission denied"):
        engine.install()
    bench.engine().install()
    for ask in (lambda: engine.execute(request()), lambda: engine.resume(ID), lambda: engine.journal(ID)):
        with pytest.raises(PostgresRefused, match=r"42501.*permission denied"):
            ask()


def test_an_empty_database_is_said_to_need_its_tables(bench: Bench) -> None:
    engine = bench.engine()
    for ask in (lambda: engine.execute(request()), lambda: engine.resume(ID), lambda: engine.journal(ID)):
        with pytest.raises(EngineError, match=r"install\(\)"):
            ask()


@pytest.mark.parametrize(
    ("option", "message"),
    [("default_transaction_read_only=on", "25006.*read-only"), ("statement_timeout=1", "57014.*statement timeout")],
)
def test_what_postgres_refuses_leaves_the_execution_as_it_was(bench: Bench, option: str, message: str) -> None:
    bench.engine().install()
    bench.sql("""
        CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_sleep(0.1); RETURN NEW; END $$""")
    bench.sql("CREATE TRIGGER slow BEFORE INSERT ON workflow_checkpoints FOR EACH ROW EXECUTE FUNCTION slow()")
    with pytest.raises(PostgresRefused, match=message):
        bench.engine(options=f"-c {option}").execute(request())
    assert bench.sql("SELECT count(*) FROM workflow_executions") == [(0,)]
    bench.engine().execute(request())
    assert bench.engines[0].journal(ID).execution.status == "running"


def test_a_session_that_is_not_kept_is_named_as_such(bench: Bench) -> None:
    """What a pooler in transaction mode comes to: the next statement arrives where nobody prepared it."""
    engine = bench.engine()
    engine.install()
    engine.execute(request())

    def forget() -> None:
        engine.store.connection.execute("DEALLOCATE ALL")

    bench.during = forget
    with pytest.raises(PostgresRefused, match=r"26000.*session"):
        engine.execute(request(uuid4()))


def test_installing_on_a_busy_v1_database_does_not_make_v1_the_victim_of_a_deadlock(bench: Bench) -> None:
    """V1 writes a step and then looks its execution up; installing must lock in the same order."""
    bench.engine().install()
    bench.sql("COMMENT ON TABLE workflow_checkpoints IS 'an older V2'")
    waiting = """
        SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
        WHERE NOT l.granted AND d.datname = current_database()"""
    installer = bench.engine()
    with psycopg.connect(bench.dsn) as v1:
        v1.execute("LOCK TABLE workflow_step_executions IN ROW EXCLUSIVE MODE")
        thread = threading.Thread(target=installer.install)
        thread.start()
        while bench.sql(waiting) == [(0,)]:
            assert thread.is_alive()
        v1.execute("SET LOCAL lock_timeout = '20s'")
        v1.execute("SELECT 1 FROM workflow_executions FOR KEY SHARE")
    thread.join()
    assert bench.sql("SELECT obj_description('workflow_checkpoints'::regclass) LIKE 'engines.v2 %'") == [(True,)]
