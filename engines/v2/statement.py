"""The statement that makes a commit: composed of the parts that it has rows for. Reads package data.

A few shapes make up almost all commits (one step ends, the next begins), so each is composed once. Rows come as VALUES
with a parameter for each column; where there are many, as one JSON text, since a statement has at most 65,535
parameters and every new shape would have to be planned.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Final, NamedTuple, TypeAlias

from psycopg.sql import SQL, Composed, Identifier

from cutover.engines.sqlfiles import sql

__all__ = ["PARTS", "Row", "Shape", "Statement", "Statements", "bind"]

Row: TypeAlias = tuple[str | None, ...]
"""One row's columns as Postgres reads them in text, in the order of PARTS."""

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


class Statement(NamedTuple):
    """A statement with numbered parameters, and the name under which a connection keeps it prepared."""

    name: bytes
    text: bytes


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
