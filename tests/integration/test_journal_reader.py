"""The journal reader on rows written by hand: every column comes back, payloads to the last character."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.rows import dict_row

from cutover.engines.api import CheckpointRow, EventRow, ExecutionRow, Journal, MetricRow, StepRow, TimerRow
from cutover.engines.errors import EngineError, UnknownExecution
from cutover.engines.journal import read_journal
from cutover.engines.sqlfiles import sql

ID = UUID("00000000-0000-4000-8000-000000000007")
OTHER = UUID("00000000-0000-4000-8000-000000000008")
ODD = '{ "b" : 1e400, "a":-0.0 ,"a":"\\u0000 \\ud800", "big": 123456789012345678901234567890, "é": null}'
"""Spaces, a repeated key, a number beyond any float, escapes: text that any parsing on the way would change."""


def at(second: int, micro: int = 0) -> datetime:
    return datetime(2026, 3, 1, 23, 59, second, micro, tzinfo=UTC)


@pytest.fixture
def connection(dsn: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(dsn, autocommit=True) as made:
        made.execute(sql("cutover.engines.v1", "schema"))
        yield made


def put(connection: psycopg.Connection[Any], table: str, **values: object) -> None:
    columns = psycopg.sql.SQL(", ").join(map(psycopg.sql.Identifier, values))
    places = psycopg.sql.SQL(", ").join(map(psycopg.sql.Placeholder, values))
    statement = psycopg.sql.SQL("INSERT INTO {} ({}) VALUES ({})")
    connection.execute(statement.format(psycopg.sql.Identifier(table), columns, places), values)


def put_execution(connection: psycopg.Connection[Any], execution_id: UUID = ID) -> None:
    put(
        connection, "workflow_executions", id=execution_id, workflow_id="w", status="failed", current_node_id="ship",
        definition="{}", input=ODD, output="null", error="a\nb", metadata='{"n": [1.5, true, null]}',
        created_at=at(0, 1), started_at=at(1, 120_000), finished_at=at(2),
    )  # fmt: skip
    put(
        connection, "workflow_step_executions", execution_id=execution_id, step_id="late", node_id="late",
        status="completed", attempt=1, input="1", output=ODD, ports=["out", 'o"d,{}'], started_at=at(4),
        finished_at=at(5),
    )  # fmt: skip
    put(
        connection, "workflow_step_executions", execution_id=execution_id, step_id="each[1]/ship", node_id="ship",
        status="failed", attempt=3, error="down", started_at=at(3), finished_at=at(4, 5),
    )  # fmt: skip
    put(
        connection,
        "workflow_step_executions",
        execution_id=execution_id,
        step_id="away",
        node_id="away",
        status="skipped",
    )


EXECUTION = ExecutionRow(
    id=ID, workflow_id="w", status="failed", current_node_id="ship", input=ODD, output="null", error="a\nb",
    metadata={"n": [1.5, True, None]}, version=0, created_at=at(0, 1), started_at=at(1, 120_000), finished_at=at(2),
)  # fmt: skip
STEPS = (
    StepRow(
        step_id="each[1]/ship", node_id="ship", status="failed", attempt=3, input=None, output=None, ports=(),
        error="down", started_at=at(3), finished_at=at(4, 5),
    ),
    StepRow(
        step_id="late", node_id="late", status="completed", attempt=1, input="1", output=ODD, ports=("out", 'o"d,{}'),
        error=None, started_at=at(4), finished_at=at(5),
    ),
    StepRow(
        step_id="away", node_id="away", status="skipped", attempt=0, input=None, output=None, ports=(), error=None,
        started_at=None, finished_at=None,
    ),
)  # fmt: skip


def test_v1s_rows_come_back_whole_steps_in_the_order_they_started(connection: psycopg.Connection[Any]) -> None:
    put_execution(connection)
    put_execution(connection, OTHER)
    assert read_journal(connection, ID, tables="v1") == Journal(execution=EXECUTION, steps=STEPS)


def test_v2s_rows_come_back_whole_and_in_order(connection: psycopg.Connection[Any]) -> None:
    connection.execute(sql("cutover.engines.v2", "schema"))
    put_execution(connection)
    connection.execute("UPDATE workflow_executions SET checkpoint_version = 7")
    for sequence in (10, 9):
        put(
            connection, "workflow_events", execution_id=ID, sequence=sequence, event_type="STATE_TRANSITION",
            transition="step running COMPLETE completed", step_id="late", node_id="late", attempt=1,
            payload='{"b": 1, "a": "é"}', timestamp=at(6),
        )  # fmt: skip
    put(
        connection, "workflow_events", execution_id=ID, sequence=1, event_type="NOTE", payload="{}",
        timestamp=at(7),
    )  # fmt: skip
    put(
        connection, "workflow_checkpoints", execution_id=ID, version=2, node_id="late", schema_version=1, sequence=10,
        state=ODD, checksum="c2", metadata='{"duration_ms": 0.1}', created_at=at(8),
    )  # fmt: skip
    put(
        connection, "workflow_checkpoints", execution_id=ID, version=1, schema_version=1, sequence=1, state="{}",
        checksum="c1", error_message="no", created_at=at(9),
    )  # fmt: skip
    put(
        connection, "workflow_metrics", execution_id=ID, step_id="late", node_id="late", retry_count=2,
        status="success", duration_ms=0.1, orchestrator_version="v2", recorded_at=at(10),
    )  # fmt: skip
    put(connection, "workflow_timers", execution_id=ID, step_id="x", kind="retry", attempt=2, due_at=at(12))
    put(
        connection,
        "workflow_timers",
        execution_id=ID,
        step_id="y",
        kind="wait",
        attempt=1,
        due_at=at(11),
        fired_at=at(13),
    )
    journal = read_journal(connection, ID, tables="v2")
    assert (journal.execution.version, journal.steps) == (7, STEPS)
    assert [event.sequence for event in journal.events] == [1, 9, 10]
    assert journal.events[0] == EventRow(
        sequence=1, type="NOTE", scope="execution", step_id=None, node_id=None, from_state=None, event=None,
        to_state=None, attempt=None, payload="{}", at=at(7),
    )  # fmt: skip
    assert journal.events[2] == EventRow(
        sequence=10, type="STATE_TRANSITION", scope="step", step_id="late", node_id="late", from_state="running",
        event="COMPLETE", to_state="completed", attempt=1, payload='{"a": "é", "b": 1}', at=at(6),
    )  # fmt: skip
    assert journal.checkpoints == (
        CheckpointRow(
            version=1, node_id=None, schema_version=1, sequence=1, state="{}", checksum="c1", duration_ms=None,
            error_message="no", created_at=at(9),
        ),
        CheckpointRow(
            version=2, node_id="late", schema_version=1, sequence=10, state=ODD, checksum="c2", duration_ms=0.1,
            error_message=None, created_at=at(8),
        ),
    )  # fmt: skip
    assert journal.metrics == (
        MetricRow(
            step_id="late", node_id="late", retry_count=2, status="success", duration_ms=0.1, orchestrator_version="v2",
            recorded_at=at(10),
        ),
    )  # fmt: skip
    assert journal.timers == (
        TimerRow(step_id="y", kind="wait", attempt=1, due_at=at(11), fired_at=at(13)),
        TimerRow(step_id="x", kind="retry", attempt=2, due_at=at(12), fired_at=None),
    )


def test_times_are_utc_whatever_the_session_says(connection: psycopg.Connection[Any]) -> None:
    put_execution(connection)
    connection.execute("SET TIME ZONE 'Asia/Kathmandu'")
    created = read_journal(connection, ID, tables="v1").execution.created_at
    assert (created, created.tzinfo) == (at(0, 1), UTC)
    assert created == datetime(2026, 3, 2, 5, 44, 0, 1, tzinfo=timezone(timedelta(hours=5, minutes=45)))


def test_the_callers_row_factory_and_transaction_do_not_matter(connection: psycopg.Connection[Any]) -> None:
    put_execution(connection)
    connection.row_factory = dict_row
    with connection.transaction():
        assert read_journal(connection, ID, tables="v1").execution == EXECUTION


def test_an_unknown_execution_is_an_error(connection: psycopg.Connection[Any]) -> None:
    put_execution(connection, OTHER)
    with pytest.raises(UnknownExecution, match=str(ID)):
        read_journal(connection, ID, tables="v1")


def test_tables_that_are_absent_are_named(connection: psycopg.Connection[Any]) -> None:
    with pytest.raises(EngineError, match=r"v2 tables are not in this database.*install"):
        read_journal(connection, ID, tables="v2")
