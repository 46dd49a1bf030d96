"""The least that the same rows can cost: a psycopg loop over rows that V2 wrote once, one statement a step. Does I/O.

`prepare` lets V2 run one execution and the clients write its rows again and again under new ids. Nothing is worked out
while the clock runs: no workflow, no JSON, no checksum, no guard. The connection has V2's own settings.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import subject_v2
from subjects import INPUT, STEPS, Work

from cutover.engines.api import Journal
from cutover.engines.journal import read_journal

__all__ = ["RECORDED", "connect", "prepare"]

RECORDED = "SELECT count(*) FROM workflow_metrics WHERE status = 'success'"
_MODEL = UUID(int=1)
_SETTINGS = "-c plan_cache_mode=force_generic_plan -c jit=off -c enable_seqscan=off"
_FIRST, _STEP, _LAST = (
    Path(__file__).with_name(f"bare_{name}.sql").read_text(encoding="utf-8") for name in ("first", "step", "last")
)


def prepare(dsn: str) -> None:
    """Installs V2's tables and the execution whose rows are repeated."""
    subject_v2.prepare(dsn)
    session = subject_v2.Session(dsn, lambda payload: payload | {"step": payload["step"] + 1})
    session.start(_MODEL)
    session.close()


class _Loop:
    """The statements of one execution in order, with everything but the id bound beforehand."""

    def __init__(self, dsn: str, work: Work) -> None:
        self._work = work
        self._connection = psycopg.connect(dsn, autocommit=True, options=_SETTINGS)
        self._cursor = self._connection.cursor()
        journal = read_journal(self._connection, _MODEL, tables="v2")
        assert len(journal.metrics) == STEPS
        row = self._cursor.execute(
            "SELECT definition::text, metadata::text FROM workflow_executions WHERE id = %s", [_MODEL]
        ).fetchone()
        assert row is not None
        self._input = dict(INPUT)
        self._first: dict[str, Any] = _first(journal) | {"definition": row[0], "metadata": row[1]}
        self._steps = [_step(journal, number) for number in range(1, STEPS + 1)]

    def run(self) -> None:
        """Writes the rows of one execution; the work is done too, for every subject does it."""
        new = {"id": uuid4()}
        self._cursor.execute(_FIRST, self._first | new, prepare=True)
        payload = self._input
        for row in self._steps[:-1]:
            payload = self._work(payload)
            self._cursor.execute(_STEP, row | new, prepare=True)
        self._work(payload)
        self._cursor.execute(_LAST, self._steps[-1] | new, prepare=True)

    def close(self) -> None:
        """Closes the connection."""
        self._connection.close()


def connect(dsn: str, number: int, work: Work) -> _Loop:  # noqa: ARG001 - the loop has no name
    """A loop on a connection of its own."""
    return _Loop(dsn, work)


def _first(journal: Journal) -> dict[str, Any]:
    events = {f"event_{event.sequence}": event.payload for event in journal.events[:4]}
    return {
        "workflow_id": journal.execution.workflow_id,
        "input": journal.execution.input,
        "node_id": journal.metrics[0].step_id,
        **_constants(),
        **_checkpoint(journal, 1),
        **events,
    }


def _step(journal: Journal, number: int) -> dict[str, Any]:
    """The row values of the commit that ended step `number`, from 1; its checkpoint's version is one more."""
    steps = {step.step_id: step for step in journal.steps}
    metric = journal.metrics[number - 1]
    before = journal.checkpoints[number - 1].sequence
    return {
        "step_id": metric.step_id,
        "next_id": journal.metrics[number].step_id if number < STEPS else None,
        "output": steps[metric.step_id].output,
        "duration_ms": metric.duration_ms,
        "event_1": journal.events[before].payload,
        "event_2": journal.events[before + 1].payload,
        **_constants(),
        **_checkpoint(journal, number + 1),
    }


def _checkpoint(journal: Journal, version: int) -> dict[str, Any]:
    row = journal.checkpoints[version - 1]
    return {
        "version": version,
        "sequence": row.sequence,
        "state": row.state,
        "checksum": row.checksum,
        "checkpoint_metadata": f'{{"duration_ms": {row.duration_ms or 0.0}}}',
    }


def _constants() -> dict[str, str]:
    return {"owner": f"00000-{_MODEL}", "expires": "2030-01-01T00:00:00.000000+00:00"}
