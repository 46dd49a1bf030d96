"""A journal that is read from a team's own tables: what the mapping says is checked, and what rows hold is told."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest
from pydantic import TypeAdapter

from cutover.engines.api import Journal, MetricRow, StepRow
from cutover.engines.byprocess.faults import BadEngineSettings
from cutover.engines.byprocess.tables.mapping import TableEntry, mapped
from cutover.engines.byprocess.tables.reader import MappedTables, UnreadableRow
from cutover.engines.errors import UnknownExecution

TABLES = """
CREATE TYPE phase AS ENUM ('open', 'done', 'failed');
CREATE DOMAIN counted AS int CHECK (VALUE >= 0);
CREATE TABLE runs (run uuid PRIMARY KEY, flow text, phase phase, given json, put_out text, begun timestamptz,
    doc jsonb);
CREATE TABLE run_steps
    (run text, name varchar(99), state text, tries counted, result text, ways text[], begun timestamp, at bytea);
CREATE TABLE spent (run uuid, step_id text, retry_count bigint, status text, took numeric, orchestrator_version text,
    recorded_at timestamptz);
"""
EXECUTION = """
[execution]
table = "runs"
columns = { id = "run", workflow_id = "flow", status = "phase", input = "given", output = "put_out", \
created_at = "begun", metadata = "doc->meta", version = "doc->>'version'", finished_at = "doc ->> 'end'" }
words = { status = { open = "running", done = "completed" } }
"""
STEP = """
[step]
table = "run_steps"
columns = { execution_id = "run", step_id = "name", status = "state", attempt = "tries", output = "result", \
ports = "ways", started_at = "begun" }
words = { status = { ok = "completed" } }
"""
METRIC = """
[metric]
table = "public.spent"
columns = { execution_id = "run", duration_ms = "took" }
"""
KEY = UUID("00000000-0000-4000-8000-000000000001")
RUN = r"""INSERT INTO runs VALUES
    ('00000000-0000-4000-8000-000000000001', 'order', 'done', '{"a": -0.0, "b": 1e22, "c": "\u0000é"}',
     '[12345678901234567890]', '2026-01-01T02:00:00+02:00',
     '{"meta": {"tenant": "t"}, "version": 7, "end": "2026-01-01T00:00:09Z"}')"""


@contextmanager
def tables(dsn: str, text: str) -> Iterator[MappedTables]:
    entries = TypeAdapter(Mapping[str, TableEntry]).validate_python(tomllib.loads(text))
    found = MappedTables("mine", dsn, mapped("engines.mine.tables", entries))
    try:
        yield found
    finally:
        found.close()


@pytest.fixture
def theirs(dsn: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(TABLES)
        yield connection


def journal(dsn: str, text: str) -> Journal:
    with tables(dsn, text) as found:
        return found.journal(KEY)


def test_rows_of_any_names_types_and_words_are_read_as_a_journal(dsn: str, theirs: psycopg.Connection[Any]) -> None:
    theirs.execute(RUN)
    theirs.execute("""INSERT INTO run_steps VALUES
        ('00000000-0000-4000-8000-000000000001', 'each[0]/b', 'ok', 2, '"x"', '{left,right}', '2026-01-01T00:00:02'),
        ('00000000-0000-4000-8000-000000000001', 'never', 'pending', NULL, NULL, NULL, NULL),
        ('00000000-0000-4000-8000-000000000001', 'a', 'ok', 0, 'null', NULL, '2026-01-01T00:00:01'),
        ('00000000-0000-0000-0000-000000000002', 'other', 'ok', 0, 'null', NULL, '2026-01-01T00:00:01')""")
    theirs.execute("INSERT INTO spent VALUES (%s, 'each[0]/b', 1, 'success', 1.5, 'v', '2026-01-01T00:00:03Z')", (KEY,))
    found = journal(dsn, EXECUTION + STEP + METRIC)
    row = found.execution
    assert (row.id, row.workflow_id, row.status, row.version) == (KEY, "order", "completed", 7)
    assert row.input == '{"a": -0.0, "b": 1e22, "c": "\\u0000\\u00e9"}'
    assert (row.output, row.metadata) == ("[12345678901234567890]", {"tenant": "t"})
    assert (row.created_at, row.finished_at) == (
        datetime(2026, 1, 1, tzinfo=UTC),
        datetime(2026, 1, 1, 0, 0, 9, tzinfo=UTC),
    )
    assert [(step.step_id, step.status) for step in found.steps] == [
        ("a", "completed"),
        ("each[0]/b", "completed"),
        ("never", "pending"),
    ]
    assert found.steps[1] == StepRow(
        step_id="each[0]/b",
        node_id="b",
        status="completed",
        attempt=2,
        input=None,
        output='"x"',
        ports=("left", "right"),
        error=None,
        started_at=datetime(2026, 1, 1, 0, 0, 2, tzinfo=UTC),
        finished_at=None,
    )
    assert (found.steps[0].ports, found.steps[2].ports, found.steps[0].output) == (("out",), (), "null")
    assert found.metrics == (
        MetricRow(
            step_id="each[0]/b",
            node_id="b",
            retry_count=1,
            status="success",
            duration_ms=1.5,
            orchestrator_version="v",
            recorded_at=datetime(2026, 1, 1, 0, 0, 3, tzinfo=UTC),
        ),
    )


def test_an_execution_that_is_not_there_is_unknown(dsn: str, theirs: psycopg.Connection[Any]) -> None:
    assert theirs.execute("SELECT FROM runs").rowcount == 0
    with pytest.raises(UnknownExecution):
        journal(dsn, EXECUTION + STEP)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('table = "runs"', 'table = "rums"', "[engines.mine.tables.execution]: the database has no table or view rums"),
        (
            'table = "runs"',
            'table = "no.runs"',
            "the database has no table or view no.runs once the engine is installed",
        ),
        (
            'status = "phase"',
            'status = "stat"',
            "columns.status: table runs has no column stat; it has run, flow, phase",
        ),
        ('step_id = "name", ', "", "columns: nothing says where `step_id` is read from, which a journal needs"),
        ('attempt = "tries"', 'attempt = "state"', "column state is TEXT, and `attempt` is read from a whole number"),
        (
            'started_at = "begun"',
            'started_at = "at"',
            "column at is BYTEA, and `started_at` is read from a timestamp; ",
        ),
        (
            'workflow_id = "flow"',
            'workflow_id = "given"',
            "column given is JSON, and `workflow_id` is read from a text",
        ),
        ('"doc->meta"', '"flow->meta"', "column flow->meta asks for a member of flow, which is TEXT and not json"),
        ('open = "running", ', "", "column phase: 'open' is not a `status` of a journal; those are pending, running,"),
        ('execution_id = "run", step_id', "execution_id = false, step_id", "nothing says where `execution_id` is read"),
    ],
)
def test_what_is_not_there_or_of_another_type_is_one_sentence(
    dsn: str, theirs: psycopg.Connection[Any], old: str, new: str, told: str
) -> None:
    assert not theirs.closed
    text = EXECUTION + STEP
    assert old in text
    with tables(dsn, text.replace(old, new, 1)) as found, pytest.raises(BadEngineSettings) as caught:
        found.check()
    assert told in str(caught.value)
    assert str(caught.value).startswith("engine 'mine': [engines.mine.tables.")
    assert "\n" not in str(caught.value)


def test_a_column_of_another_type_may_be_left_out(dsn: str, theirs: psycopg.Connection[Any]) -> None:
    theirs.execute("ALTER TABLE run_steps ADD COLUMN error int; ALTER TABLE run_steps ADD COLUMN node_id text")
    told = r"column error is INTEGER, .*; columns = { error = false } leaves it out"
    with tables(dsn, EXECUTION + STEP) as found, pytest.raises(BadEngineSettings, match=told):
        found.check()
    with tables(dsn, EXECUTION + STEP.replace("columns = {", "columns = { error = false,")) as found:
        found.check()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            "state = 'weird'",
            "table run_steps, column state: 'weird' is not a `status` of a journal; those are pending, ",
        ),
        ("state = NULL", "table run_steps, column state: null, and a journal needs `status`"),
        ("result = '{'", "table run_steps, column result: '{' is not json, jsonb, or a text that is JSON"),
        ("begun = 'infinity'", "infinity"),
    ],
)
def test_what_no_journal_has_is_told_with_its_table_and_column(
    dsn: str, theirs: psycopg.Connection[Any], change: str, told: str
) -> None:
    theirs.execute(RUN)
    theirs.execute("INSERT INTO run_steps (run, name, state) VALUES (%s, 'a', 'ok')", (str(KEY),))
    with tables(dsn, EXECUTION + STEP) as found:
        assert found.journal(KEY).steps[0].status == "completed"
        theirs.execute(f"UPDATE run_steps SET {change}")  # noqa: S608 - of this test's own
        with pytest.raises((UnreadableRow, psycopg.DataError)) as caught:
            found.journal(KEY)
        assert told in str(caught.value)
        theirs.execute("UPDATE run_steps SET state = 'ok', result = NULL, begun = NULL")
        assert found.journal(KEY).steps[0].status == "completed"


def test_a_connection_that_is_cut_is_told_as_the_driver_tells_it_and_made_again(
    dsn: str, theirs: psycopg.Connection[Any]
) -> None:
    theirs.execute(RUN)
    with tables(dsn, EXECUTION + STEP) as found:
        found.journal(KEY)
        others = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> %s"
        )
        theirs.execute(others, (theirs.info.backend_pid,))
        with pytest.raises(psycopg.OperationalError):
            found.journal(KEY)
        assert found.journal(KEY).execution.status == "completed"
