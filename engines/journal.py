"""Reads one execution's rows into a Journal. Reads Postgres: one statement, one round trip, one snapshot.

Any engine that keeps its account in these tables may use it, ours or not.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, Literal
from uuid import UUID

import psycopg
from psycopg import errors
from psycopg.rows import tuple_row

from cutover.engines.api import CheckpointRow, EventRow, ExecutionRow, Journal, MetricRow, StepRow, TimerRow
from cutover.engines.errors import EngineError, UnknownExecution
from cutover.engines.sqlfiles import sql

__all__ = ["read_journal"]

_TIMES = frozenset({"at", "created_at", "started_at", "finished_at", "recorded_at", "due_at", "fired_at"})


def read_journal(connection: psycopg.Connection[Any], execution_id: UUID, *, tables: Literal["v1", "v2"]) -> Journal:
    """What is committed of one execution; "v1" reads executions and steps, "v2" the history too.

    Steps come in the order in which they started, those that never started last. Raises UnknownExecution, and
    EngineError where the tables are absent.
    """
    with connection.cursor(row_factory=tuple_row) as cursor:
        try:
            found = cursor.execute(_statement(tables), {"execution_id": execution_id}).fetchall()
        except (errors.UndefinedTable, errors.UndefinedColumn) as error:
            reason = str(error).splitlines()[0]
            raise EngineError(
                f"the {tables} tables are not in this database ({reason}); call install() first"
            ) from error
    parts: dict[str, list[dict[str, Any]]] = defaultdict(list)
    version = 0
    for part, _, row in sorted(found, key=lambda line: (line[0], line[1])):
        if part == "version":
            version = int(row)
        else:
            parts[part].append(_values(json.loads(row)))
    if not parts["execution"]:
        raise UnknownExecution(f"no execution {execution_id} in this database; start it with execute() first")
    execution = parts["execution"][0] | {"id": execution_id, "version": version}
    return Journal(
        execution=ExecutionRow(**execution),
        steps=tuple(StepRow(**row | {"ports": tuple(row["ports"])}) for row in parts["step"]),
        events=tuple(EventRow(**row) for row in parts["event"]),
        checkpoints=tuple(CheckpointRow(**row) for row in parts["checkpoint"]),
        metrics=tuple(MetricRow(**row) for row in parts["metric"]),
        timers=tuple(TimerRow(**row) for row in parts["timer"]),
    )


@cache
def _statement(tables: Literal["v1", "v2"]) -> str:
    base = sql("cutover.engines", "journal_base")
    return base if tables == "v1" else f"{base}UNION ALL\n{sql('cutover.engines', 'journal_history')}"


def _values(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: datetime.fromisoformat(value).astimezone(UTC) if key in _TIMES and value is not None else value
        for key, value in row.items()
    }
