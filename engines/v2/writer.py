"""Writes a delta: one statement, one round trip, one commit, guarded by the lease's epoch and the version. Does I/O.

The statement is composed of the parts that the delta has rows for. A few shapes make up almost all commits (one step
ends, the next begins), so each is composed once. Rows come as VALUES with a parameter for each column; where there are
many, as one JSON text, since a statement has at most 65,535 parameters and every new shape would have to be planned.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Final, TypeAlias
from uuid import UUID

from psycopg.sql import SQL, Composed, Identifier

from cutover.engines.api import Clock, JsonText
from cutover.engines.errors import LeaseLost
from cutover.engines.payloads import storable_text
from cutover.engines.sqlfiles import sql
from cutover.engines.v2 import checkpoints
from cutover.engines.v2.delta import Delta
from cutover.engines.v2.events import Event, Row
from cutover.engines.v2.lease import TTL
from cutover.engines.v2.lines import LogLines
from cutover.engines.v2.recovery import Claimed
from cutover.engines.v2.run import ExecutionRun
from cutover.engines.v2.store import Statement, Store

__all__ = ["MANY", "PARTS", "Shape", "Statements", "Writer", "bind"]

MANY: Final = 16
"""Rows of one part above which they travel as JSON."""

PARTS: Final[Mapping[str, Mapping[str, str]]] = {
    "steps": {
        "step_id": "text", "node_id": "text", "status": "text", "attempt": "integer", "input": "json", "output": "json",
        "ports": "text[]", "error": "text", "ended": "boolean",
    },
    "events": {
        "sequence": "integer", "event_type": "text", "transition": "workflow_transition", "step_id": "text",
        "node_id": "text", "attempt": "integer", "payload": "jsonb",
    },
    "metrics": {
        "step_id": "text", "node_id": "text", "retry_count": "integer", "status": "text",
        "duration_ms": "double precision", "orchestrator_version": "text",
    },
    "timers": {
        "step_id": "text", "kind": "text", "attempt": "integer", "due_at": "timestamptz", "fired_at": "timestamptz",
    },
    "signals": {"id": "text", "name": "text", "payload": "json", "step_id": "text"},
}  # fmt: skip
"""The parts that have rows, each a file `PART.sql`, and its columns with their types, in order."""

Shape: TypeAlias = tuple[int, ...]
"""How many rows each of PARTS has; MANY + 1 stands for any number above MANY."""

_AS_TEXT: Final = {"json", "jsonb", "text[]"}
"""What json_to_recordset would look into, instead of taking it as the text that it is."""


class Writer:
    """Makes an execution's progress durable."""

    def __init__(self, store: Store, clock: Clock, lines: LogLines, owner: str) -> None:
        self._store = store
        self._clock = clock
        self._lines = lines
        self._owner = owner
        self._first = Statements("first", sql("cutover.engines.v2", "hold_new"))
        self._next = Statements("next", sql("cutover.engines.v2", "hold"))

    def start(self, run: ExecutionRun, workflow_id: str, definition: JsonText, metadata: JsonText) -> bool:
        """Writes a new execution and its first delta; False, and nothing written, where the execution exists.

        Where the answer is lost the statement is sent again: it finds the execution and leaves it to a claim.
        """
        new = (str(run.execution_id), workflow_id, definition, run.top.input, metadata)
        return self._write(self._first, run, new, lambda _: False)

    def commit(self, run: ExecutionRun) -> None:
        """Writes the delta; raises LeaseLost, and nothing is written, where another worker took the execution over."""
        guard = (str(run.execution_id), str(run.epoch), str(run.version))
        if not self._write(self._next, run, guard, lambda version: self._landed(run, version)):
            raise LeaseLost(
                f"execution {run.execution_id} was taken over by another worker after version {run.version}; drop it"
            )

    def cancel_damaged(self, execution_id: UUID, claimed: Claimed, damage: Exception) -> None:
        """Ends an execution by its rows alone, whatever its checkpoints say; its error says what is damaged.

        Raises LeaseLost, and nothing is written, where another worker took the execution over or has ended it.
        """
        said = storable_text(f"{type(damage).__name__}: {damage}")
        wanted = {
            "id": execution_id,
            "epoch": claimed.epoch,
            "error": f"cancelled without its checkpoints, which cannot be trusted: {said}",
        }
        found = self._store.run("cancel_damaged", wanted)
        if not found:
            raise LeaseLost(f"execution {execution_id} was taken over by another worker while it was cancelled")
        self._lines.operation("DAMAGED", execution_id, claimed.node_id, level="error", problem=said)
        entries = [
            Event(
                sequence, "STATE_TRANSITION", step_id, node_id, json.dumps(step_id), json.dumps(node_id), attempt or 0,
                before, event, after,
            )
            for sequence, step_id, node_id, attempt, before, event, after in found
        ]  # fmt: skip
        self._lines.say(self._lines.of(execution_id, entries, self._clock.now()))

    def _write(
        self, statements: Statements, run: ExecutionRun, held: Sequence[str], landed: Callable[[int], bool]
    ) -> bool:
        """Sends the delta; `held` is what the row is found by, or made of."""
        delta, run.delta = run.delta, Delta()
        now = self._clock.now()
        state = delta.state()
        version = checkpoints.next_version(run.version)
        checksum = checkpoints.checksum(run.checksum, version, run.sequence, state)
        free = run.status != "running" or run.paused
        shape, rows = bind(delta.rows())
        sequence = str(run.sequence)
        ended = "f" if run.status == "running" else "t"
        owner, expires = (None, None) if free else (self._owner, (now + TTL).isoformat())
        parameters = [run.status, run.node_id, run.output, run.error, ended, sequence, owner, expires, *held, *rows]
        parameters += [run.node_id, str(checkpoints.SCHEMA_VERSION), sequence, state, checksum, None]
        parameters.append(checkpoints.metadata(run.checkpoint_ms, None))
        said: list[str] = []

        def refusal(problem: str) -> None:
            parameters[-2:] = problem, checkpoints.metadata(run.checkpoint_ms, problem)
            self._lines.operation("COMMIT_REFUSED", run.execution_id, run.node_id, level="warning", problem=problem)

        def meanwhile() -> None:
            said[:] = self._lines.of(run.execution_id, delta.events, now)

        began = time.perf_counter()
        if not self._store.commit(statements.of(shape), parameters, lambda: landed(version), refusal, meanwhile):
            return False
        run.checkpoint_ms = (time.perf_counter() - began) * 1_000
        run.version, run.checksum, run.released = version, checksum, free
        for step in delta.steps.values():
            step.stored = True
        self._lines.say(said)
        return True

    def _landed(self, run: ExecutionRun, version: int) -> bool:
        """Whether the commit that made this version is in the database, though its answer was lost."""
        return self._store.run("probe", {"id": run.execution_id}) == [(run.epoch, version)]


class Statements:
    """The statements that begin with one way of holding the execution's row: hold.sql or hold_new.sql."""

    def __init__(self, name: str, hold: str) -> None:
        self._name = name
        self._hold = hold
        self._known: dict[Shape, Statement] = {}

    def of(self, shape: Shape) -> Statement:
        """The statement for a commit of this shape."""
        statement = self._known.get(shape)
        if statement is None:
            statement = self._known[shape] = self._compose(shape)
        return statement

    def _compose(self, shape: Shape) -> Statement:
        parts = [
            SQL(sql("cutover.engines.v2", part)).format(rows=_rows(columns, rows)).as_string(None)
            for (part, columns), rows in zip(PARTS.items(), shape, strict=True)
            if rows
        ]
        text = _numbered("\n".join([self._hold, *parts, sql("cutover.engines.v2", "checkpoint")]))
        return Statement(f"v2 {self._name} {shape}".encode(), text.encode())


def bind(parts: Sequence[Sequence[Row]]) -> tuple[Shape, list[str | None]]:
    """The shape of these rows, and the parameters that carry them."""
    shape = []
    parameters: list[str | None] = []
    for columns, rows in zip(PARTS.values(), parts, strict=True):
        if len(rows) > MANY:
            shape.append(MANY + 1)
            parameters.append(json.dumps([dict(zip(columns, row, strict=True)) for row in rows]))
        else:
            shape.append(len(rows))
            for row in rows:
                parameters += row
    return tuple(shape), parameters


def _rows(columns: Mapping[str, str], rows: int) -> Composed:
    """Where a part's rows come from, as a row source named r."""
    names = SQL(", ").join(map(Identifier, columns))
    if rows > MANY:
        typed = SQL(", ").join(
            SQL("{} {}").format(Identifier(name), SQL("text" if kind in _AS_TEXT else kind))
            for name, kind in columns.items()
        )
        return SQL("json_to_recordset(%s::json) AS r ({})").format(typed)
    row = SQL("({})").format(SQL(", ").join(SQL("%s::{}").format(SQL(kind)) for kind in columns.values()))
    return SQL("(VALUES {}) AS r ({})").format(SQL(", ").join([row] * rows), names)


def _numbered(text: str) -> str:
    """The text without comments, with $1, $2 and so on for its parameters."""
    numbers = count(1)
    bare = " ".join(" ".join(line.partition("--")[0].split()) for line in text.splitlines())
    return re.sub("%s", lambda _: f"${next(numbers)}", bare)
