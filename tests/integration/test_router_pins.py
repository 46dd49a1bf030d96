"""The router with both engines on a real Postgres: what is pinned at the start stays, whatever the flag does then."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from cutover.engines.api import (
    ActivityCall,
    ActivityNode,
    ActivityResult,
    Edge,
    Engine,
    EngineContext,
    ExecutionRequest,
    Signal,
    StartNode,
    WaitNode,
    Workflow,
)
from cutover.engines.errors import EngineError, ExecutionHeld, UnknownExecution, WorkflowRefused
from cutover.engines.flags import PERCENT, SWITCH, EnvironmentFlags, Flag, FlagError, FlagSource, PostgresFlags
from cutover.engines.registry import resolve
from cutover.engines.router import Router, bucket_of
from cutover.harness.run.world.clock import VirtualClock

WAITING = Workflow(
    id="waiting",
    nodes=(StartNode(id="start"), WaitNode(id="wait", signal="go"), ActivityNode(id="ship", activity="ship")),
    edges=(Edge(source="start", target="wait"), Edge(source="wait", target="ship")),
)


class Outside:
    """Activities that note who called; `during` runs inside each call."""

    def __init__(self) -> None:
        self.calls: list[ActivityCall] = []
        self.during: Callable[[], None] = lambda: None

    def call(self, call: ActivityCall) -> ActivityResult:
        self.calls.append(call)
        self.during()
        return ActivityResult(output="shipped")


class Setup:
    """Routers over one database, their world, and the environment their flag is read from."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self.outside = Outside()
        self.environ: dict[str, str] = {}
        self.made: list[Router] = []

    def router(self, control: str = "v1", candidate: str = "v2", flags: FlagSource | None = None) -> Router:
        router = Router(
            control=self.engine(control),
            candidate=self.engine(candidate),
            flags=flags or EnvironmentFlags(self.environ),
            dsn=self.dsn,
        )
        router.install()
        self.made.append(router)
        return router

    def engine(self, spec: str) -> Engine:
        context = EngineContext(dsn=self.dsn, activities=self.outside, clock=VirtualClock(), log=lambda _line: None)
        return resolve(spec)(context)

    def turn(self, percent: str | None) -> None:
        self.environ.clear()
        if percent is not None:
            self.environ.update({SWITCH: "true", PERCENT: percent})

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.dsn) as connection:
            return connection.execute(statement.encode()).fetchall()


@pytest.fixture
def setup(dsn: str) -> Iterator[Setup]:
    made = Setup(dsn)
    yield made
    for router in made.made:
        router.close()


def ask(execution_id: UUID | None = None, **metadata: str) -> ExecutionRequest:
    return ExecutionRequest(execution_id=execution_id or uuid4(), workflow=WAITING, input=1, metadata=metadata)


def version(router: Router, execution_id: UUID) -> object:
    return router.journal(execution_id).execution.metadata["orchestrator_version"]


GO = Signal(id="1", name="go")


def test_an_executions_row_tells_how_it_was_assigned_and_the_log_which_engine_serves(setup: Setup) -> None:
    router = setup.router()
    setup.turn("100")
    asked = ask(caller="shop")
    router.execute(asked)
    assert router.journal(asked.execution_id).execution.metadata == {
        "orchestrator_version": "v2", "caller": "shop", "rollout_role": "candidate", "rollout_percent": "100",
        "rollout_bucket": str(bucket_of(asked.execution_id)), "rollout_salt": "orchestrator-v2", "rollout_engine": "v2",
    }  # fmt: skip
    setup.turn(None)
    router.execute(ask())
    assert setup.rows("SELECT function_id, event_message FROM edge_logs ORDER BY id") == [
        ("execute-workflow", "Using orchestrator v2"),
        ("execute-workflow", "Using orchestrator v1"),
    ]


def test_the_split_follows_the_buckets(setup: Setup) -> None:
    router = setup.router()
    setup.turn("50")
    ids = [UUID(int=number) for number in range(20)]
    for execution_id in ids:
        router.execute(ask(execution_id))
    served = {execution_id for execution_id in ids if version(router, execution_id) == "v2"}
    assert served == {execution_id for execution_id in ids if bucket_of(execution_id) < 5_000}
    assert 0 < len(served) < 20


def test_a_rollback_stops_new_starts_at_once_and_what_is_in_flight_ends_on_v2(setup: Setup) -> None:
    router = setup.router()
    setup.turn("100")
    before = ask()
    router.execute(before)
    setup.turn(None)
    after = ask()
    router.execute(after)
    assert (version(router, before.execution_id), version(router, after.execution_id)) == ("v2", "v1")
    router.execute(before)
    router.resume(before.execution_id, GO)
    ended = router.journal(before.execution_id)
    assert (ended.execution.status, ended.execution.output) == ("completed", '"shipped"')
    assert ended.events
    assert [call.idempotency_key for call in setup.outside.calls] == [f"{before.execution_id}:ship"]


def test_a_rollout_does_not_move_what_began_on_v1_even_without_a_router(setup: Setup) -> None:
    legacy = setup.engine("v1")
    legacy.install()
    asked = ask()
    legacy.execute(asked)
    legacy.close()
    router = setup.router()
    setup.turn("100")
    router.execute(asked)
    router.resume(asked.execution_id, GO)
    assert router.journal(asked.execution_id).execution.status == "completed"
    assert version(router, asked.execution_id) == "v1"
    assert [call.idempotency_key for call in setup.outside.calls] == [None]
    assert setup.rows("SELECT count(*) FROM edge_logs") == [(0,)]


def test_roles_are_told_apart_where_both_engines_have_one_name(setup: Setup) -> None:
    router = setup.router("v1", "v1")
    setup.turn("100")
    asked = ask()
    router.execute(asked)
    setup.turn(None)
    served: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        for role, engine in router._engines.items():
            patch.setattr(engine, "cancel", lambda _id, role=role: served.append(role))
        router.cancel(asked.execution_id)
    assert served == ["candidate"]


@pytest.mark.parametrize("percent", [None, "100"])
def test_what_began_without_a_router_is_the_controls_where_both_engines_have_one_name(
    setup: Setup, percent: str | None
) -> None:
    """Neither the flag nor the name may give an older execution to the candidate."""
    older = setup.engine("v1")
    older.install()
    asked = ask()
    older.execute(asked)
    older.close()
    router = setup.router("v1", "v1")
    setup.turn(percent)
    served: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        for role, engine in router._engines.items():
            for command in ("execute", "resume", "cancel"):
                patch.setattr(engine, command, lambda *_, role=role: served.append(role))
        router.execute(asked)
        router.resume(asked.execution_id)
        router.cancel(asked.execution_id)
    assert served == ["control"] * 3


def test_an_engine_keeps_its_executions_when_it_has_another_role_in_the_next_rollout(setup: Setup) -> None:
    first = setup.router("v1", "v2")
    setup.turn("100")
    asked = ask()
    first.execute(asked)
    turned = setup.router("v2", "v1")
    turned.execute(asked)
    turned.resume(asked.execution_id, GO)
    journal = turned.journal(asked.execution_id)
    assert (journal.execution.status, bool(journal.events)) == ("completed", True)


def test_an_execution_of_an_engine_that_is_gone_is_given_to_nobody_else(setup: Setup) -> None:
    first = setup.router("v1", "v2")
    setup.turn("100")
    asked = ask()
    first.execute(asked)
    without = setup.router("v1", "v1")
    for use in (without.execute, lambda request: without.resume(request.execution_id, GO)):
        with pytest.raises(EngineError, match="was given to engine 'v2', and behind this router are 'v1' and 'v1'"):
            use(asked)
    first.resume(asked.execution_id, GO)
    assert first.journal(asked.execution_id).execution.status == "completed"


def test_rows_of_routers_that_noted_the_role_alone_are_read(setup: Setup) -> None:
    router = setup.router()
    setup.turn("100")
    asked = ask()
    router.execute(asked)
    with psycopg.connect(setup.dsn) as connection:
        connection.execute("UPDATE workflow_executions SET metadata = metadata - 'rollout_engine'")
        connection.execute("DELETE FROM orchestrator_assignments")
    setup.turn(None)
    router.resume(asked.execution_id, GO)
    assert router.journal(asked.execution_id).execution.status == "completed"


def test_cancel_goes_to_the_pinned_engine(setup: Setup) -> None:
    router = setup.router()
    setup.turn("100")
    asked = ask()
    router.execute(asked)
    router.cancel(asked.execution_id)
    journal = router.journal(asked.execution_id)
    assert journal.execution.status == "cancelled"
    assert journal.events[-1].event == "CANCEL"


def test_a_flag_that_cannot_be_read_starts_nothing_on_v2_and_the_log_says_why(setup: Setup) -> None:
    router = setup.router()
    setup.turn("all")
    asked = ask()
    router.execute(asked)
    assert version(router, asked.execution_id) == "v1"
    [(message,)] = setup.rows("SELECT event_message FROM edge_logs")
    assert message.startswith("Using orchestrator v1 (ORCHESTRATOR_V2_PERCENT is 'all'; it must be")


@pytest.mark.parametrize("percent", [None, "100"])
@pytest.mark.parametrize(
    "change",
    [
        "DROP TABLE edge_logs",
        "ALTER TABLE edge_logs RENAME COLUMN event_message TO message",
        "ALTER TABLE edge_logs ADD CHECK (event_message = '')",
    ],
)
def test_a_log_that_cannot_be_written_keeps_nothing_from_starting(
    setup: Setup, caplog: pytest.LogCaptureFixture, change: str, percent: str | None
) -> None:
    router = setup.router()
    with psycopg.connect(setup.dsn) as connection:
        connection.execute(change.encode())
    setup.turn(percent)
    for asked in (ask(), ask()):
        router.execute(asked)
        router.resume(asked.execution_id, GO)
        assert router.journal(asked.execution_id).execution.status == "completed"
    assert [record.getMessage().startswith("edge_logs cannot be written") for record in caplog.records] == [True]


def test_a_log_that_somebody_holds_keeps_nothing_from_starting(setup: Setup) -> None:
    router = setup.router()
    with psycopg.connect(setup.dsn) as somebody:
        somebody.execute("LOCK TABLE edge_logs")
        for asked in (ask(), ask()):
            router.execute(asked)
            assert version(router, asked.execution_id) == "v1"


class Failing:
    """A source that breaks its contract."""

    def __init__(self, message: str) -> None:
        self.message = message

    def read(self) -> Flag:
        raise RuntimeError(self.message)


def test_a_source_that_fails_in_a_way_of_its_own_keeps_nobody_from_starting(setup: Setup) -> None:
    router = setup.router(flags=Failing("the provider is \0 away"))
    asked = ask()
    router.execute(asked)
    assert version(router, asked.execution_id) == "v1"
    assert setup.rows("SELECT event_message FROM edge_logs") == [
        ("Using orchestrator v1 (the flag cannot be read: RuntimeError: the provider is \\u0000 away)",)
    ]


@pytest.mark.parametrize("spec", ["v1", "v2"])
def test_a_database_whose_sessions_speak_latin_1_by_default_takes_all_text(setup: Setup, spec: str) -> None:
    with psycopg.connect(setup.dsn, autocommit=True) as connection:
        name = Identifier(connection.info.dbname)
        connection.execute(SQL("ALTER DATABASE {} SET client_encoding = 'LATIN1'").format(name))
    router = setup.router(control=spec, flags=Failing("→"))
    asked = replace(ask(), workflow=replace(WAITING, id="→"))
    router.execute(asked)
    router.resume(asked.execution_id, GO)
    journal = router.journal(asked.execution_id)
    assert (journal.execution.workflow_id, journal.execution.status) == ("→", "completed")


def test_connections_that_were_lost_between_two_starts_change_no_assignment(setup: Setup) -> None:
    """A restart, a failover, an idle timeout: neither the router nor the flag may take it for an answer."""
    flags = PostgresFlags(setup.dsn)
    flags.install()
    flags.write(Flag(enabled=True, percent=Decimal(100)))
    router = setup.router(flags=flags)
    asked = [ask() for _ in range(2)]
    for request in asked:
        router.execute(request)
        assert version(router, request.execution_id) == "v2"
        with psycopg.connect(setup.dsn, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid, 20000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
    router.resume(asked[0].execution_id, GO)
    assert router.journal(asked[0].execution_id).execution.status == "completed"
    flags.write(Flag(enabled=False, percent=Decimal(100)))
    assert flags.read().share == 0
    flags.close()


def test_a_table_that_somebody_holds_keeps_a_start_for_a_second_only(setup: Setup) -> None:
    flags = PostgresFlags(setup.dsn, timeout_s=1)
    flags.install()
    with psycopg.connect(setup.dsn) as somebody:
        somebody.execute("LOCK TABLE orchestrator_flags")
        with pytest.raises(FlagError, match="QueryCanceled"):
            flags.read()
    flags.close()


@pytest.mark.parametrize("text", ["false", "true"])
def test_a_switch_of_another_type_is_off(setup: Setup, text: str) -> None:
    """A table that somebody else has made: the text `false` is true to Python."""
    with psycopg.connect(setup.dsn) as connection:
        connection.execute("CREATE TABLE orchestrator_flags (name text, enabled text, percent text)")
        connection.execute("INSERT INTO orchestrator_flags VALUES (%s, %s, '100')", (SWITCH, text))
    flags = PostgresFlags(setup.dsn)
    assert flags.read().share == 0
    flags.close()


def test_a_share_that_is_none_is_an_error_while_on(setup: Setup) -> None:
    with psycopg.connect(setup.dsn) as connection:
        connection.execute("CREATE TABLE orchestrator_flags (name text, enabled boolean, percent numeric)")
        connection.execute("INSERT INTO orchestrator_flags VALUES (%s, true, 1000)", (SWITCH,))
    flags = PostgresFlags(setup.dsn)
    with pytest.raises(FlagError, match="'1000'; it must be a number from 0 to 100"):
        flags.read()
    flags.close()


def test_a_postgres_row_turns_all_routers_at_once(setup: Setup) -> None:
    flags = PostgresFlags(setup.dsn)
    with pytest.raises(FlagError, match="orchestrator_flags cannot be read"):
        flags.read()
    flags.install()
    flags.install()
    assert flags.read() == Flag(enabled=False, percent=Decimal(0))
    read = [PostgresFlags(setup.dsn) for _ in range(2)]
    routers = [setup.router(flags=source) for source in read]
    for flag, expected in (
        (Flag(enabled=True, percent=Decimal(100)), "v2"),
        (Flag(enabled=False, percent=Decimal(100)), "v1"),
    ):
        flags.write(flag)
        assert flags.read() == flag
        for router in routers:
            asked = ask()
            router.execute(asked)
            assert version(router, asked.execution_id) == expected
    with pytest.raises(FlagError, match="from 0 to 100"):
        flags.write(Flag(enabled=True, percent=Decimal(101)))
    for source in (flags, *read):
        source.close()


def test_an_unknown_execution_and_absent_tables_are_errors(setup: Setup) -> None:
    router = setup.router()
    for use in (router.resume, router.cancel, router.journal):
        with pytest.raises(UnknownExecution):
            use(uuid4())
    with psycopg.connect(setup.dsn) as connection:
        connection.execute("DROP TABLE workflow_executions CASCADE")
    with pytest.raises(EngineError, match="install"):
        router.execute(ask())
    router.install()
    with psycopg.connect(setup.dsn) as connection:
        connection.execute("DROP TABLE orchestrator_assignments")
    with pytest.raises(EngineError, match=r"orchestrator_assignments is not in this database; call install\(\) first"):
        router.execute(ask())


def test_a_refused_start_pins_nothing_and_frees_the_start(setup: Setup) -> None:
    router = setup.router()
    asked = ask()
    with pytest.raises(WorkflowRefused):
        router.execute(ExecutionRequest(execution_id=asked.execution_id, workflow=Workflow(id="w", nodes=()), input=1))
    setup.turn("100")
    setup.router().execute(asked)
    assert version(router, asked.execution_id) == "v2"
    assert setup.rows("SELECT role, count(*) FROM orchestrator_assignments GROUP BY 1") == [("candidate", 1)]


def test_two_routers_under_different_flags_cannot_start_one_execution_on_both(setup: Setup) -> None:
    first, second = setup.router(), setup.router()
    setup.turn("100")
    asked = ask()
    begun, go_on = threading.Event(), threading.Event()

    def slowly(request: ExecutionRequest) -> None:
        begun.set()
        assert go_on.wait(30)
        execute(request)

    execute = first._engines["candidate"].execute
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(first._engines["candidate"], "execute", slowly)
        thread = threading.Thread(target=first.execute, args=(asked,))
        thread.start()
        assert begun.wait(30)
        setup.turn(None)
        with pytest.raises(ExecutionHeld, match=str(asked.execution_id)):
            second.execute(asked)
        go_on.set()
        thread.join(30)
    second.execute(asked)
    assert version(second, asked.execution_id) == "v2"
    assert setup.rows("SELECT count(*) FROM edge_logs") == [(1,)]
