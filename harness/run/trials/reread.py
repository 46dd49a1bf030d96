"""Reads executions again, and the public tables that dashboards query beside their journals. Does I/O."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

import psycopg

from cutover.engines.api import Engine, Journal
from cutover.engines.sqlfiles import sql
from cutover.harness.record.rereads import Reread
from cutover.harness.record.trials import ArmName
from cutover.harness.run.postgres.crowding import OURS
from cutover.harness.run.postgres.public_tables import CHECKPOINTS, EVENTS, EXECUTIONS, METRICS, STEPS, public_tables
from cutover.harness.run.trials.arm import Arm
from cutover.harness.run.trials.drive import failure_of
from cutover.harness.run.world.engine import committed
from cutover.harness.store.lines import encode_fields

__all__ = ["DIGEST_OF_NONE", "digest", "read_again"]

DIGEST_OF_NONE: Final = "0" * 64
"""Stands for the digest of an execution that has no journal to compare with."""
_Counts = dict[UUID, Any]
_UNTOLD: Final = frozenset({"pending", "skipped"})
"""Steps that have not run: an engine may keep rows of them or not."""


def digest(journal: Journal) -> str:
    """Returns the SHA-256 of the journal as it is saved, in hex."""
    return sha256(encode_fields(journal)).hexdigest()


def read_again(arm: Arm, dsn: str, executions: Sequence[tuple[int, str, str, str]], *, fresh: bool) -> Sequence[Reread]:
    """Returns what each execution is now: trial, scenario, id and the digest of the journal that was recorded."""
    fresh = fresh and not arm.single
    engine = arm.another() if fresh else arm.engine
    try:
        tables = _tables(dsn, [UUID(execution_id) for _, _, execution_id, _ in executions])
        return [
            _reread(engine, arm.name, number, scenario, UUID(execution_id), known, tables)
            for number, scenario, execution_id, known in executions
        ]
    finally:
        if fresh:
            with contextlib.suppress(Exception):
                engine.close()


def _reread(  # noqa: PLR0917 - an execution is told by these
    engine: Engine,
    arm: ArmName,
    number: int,
    scenario: str,
    execution_id: UUID,
    known: str,
    tables: Mapping[str, _Counts],
) -> Reread:
    try:
        journal = committed(engine, execution_id)
    except Exception as error:  # noqa: BLE001 - whatever an engine raises is an outcome
        return Reread(trial=number, scenario=scenario, arm=arm, execution_id=execution_id, failure=failure_of(error))
    changed = digest(journal) != known
    return Reread(
        trial=number,
        scenario=scenario,
        arm=arm,
        execution_id=execution_id,
        changed=changed,
        journal=journal if changed else None,
        tables=_unlike(journal, execution_id, tables) if tables else None,
    )


def _tables(dsn: str, ids: Sequence[UUID]) -> Mapping[str, _Counts]:
    """Returns, for each public table that the database has, what it says of each execution; no table, no entry."""
    found: dict[str, _Counts] = {}
    with psycopg.connect(dsn, autocommit=True, application_name=OURS) as connection:
        for table in public_tables(connection):
            statement = sql("cutover.harness.run.trials", table.replace("workflow", "public"))
            found[table] = dict(connection.execute(statement, (list(ids),)).fetchall())
    return found


def _unlike(journal: Journal, execution_id: UUID, tables: Mapping[str, _Counts]) -> tuple[str, ...]:
    """Returns the tables that say otherwise than the journal."""
    steps = {step.step_id: step.status for step in journal.steps if step.status not in _UNTOLD}
    said: Mapping[str, object] = {
        EXECUTIONS: journal.execution.status,
        STEPS: steps,
        EVENTS: len(journal.events),
        CHECKPOINTS: len(journal.checkpoints),
        METRICS: len(journal.metrics),
    }
    unlike = []
    for table, rows in tables.items():
        row = rows.get(execution_id)
        if table == STEPS:
            row = {step_id: status for step_id, status in (row or {}).items() if status not in _UNTOLD}
        if (row or 0) != (said[table] or 0):
            unlike.append(table)
    return tuple(unlike)
