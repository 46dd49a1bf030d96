"""From which tables and columns a journal is read: `[engines.NAME.tables]` of `cutover.toml`, and its rules. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from enum import Enum
from typing import Annotated, Any, ClassVar, Final, Literal, get_args

from pydantic import Field

from cutover.engines.api import ExecutionStatus, StepStatus
from cutover.engines.byprocess.faults import BadEngineSettings
from cutover.engines.byprocess.rows import (
    CheckpointDocument,
    EventDocument,
    ExecutionDocument,
    MetricDocument,
    StepDocument,
    TimerDocument,
)

__all__ = [
    "EXECUTION_ID",
    "PARTS",
    "ColumnKind",
    "ColumnPlace",
    "JournalPart",
    "PartMapping",
    "TableEntry",
    "mapped",
    "tables_identity",
]


class ColumnKind(Enum):
    """What a key of the journal is, and so what a column must hold; the value is how that is said."""

    ID = "a uuid, or a text that is one"
    TEXT = "a text"
    WHOLE = "a whole number"
    NUMBER = "a number"
    TIME = "a timestamp"
    JSON = "json, jsonb, or a text that is JSON"
    PORTS = "an array or a JSON list of texts, or one text"
    OBJECT = "json, jsonb, or a text that is a JSON object"


EXECUTION_ID: Final = "execution_id"
"""The key by which the rows of every part but `execution` are found."""
_NODE: Final = {"step_id": ColumnKind.TEXT, "node_id": ColumnKind.TEXT}
_SPAN: Final = {"started_at": ColumnKind.TIME, "finished_at": ColumnKind.TIME}


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalPart:
    """A part of the journal: its rows' type, what each key is, the words that a key may have, and the rows' order."""

    document: type[Any]
    kinds: Mapping[str, ColumnKind]
    words: Mapping[str, Collection[str]] = field(default_factory=dict)
    order: tuple[str, ...] = ()

    @property
    def needed(self) -> frozenset[str]:
        """The keys that have no default; what an event's scope is shows in whether it has a step."""
        without = {
            each.name
            for each in fields(self.document)
            if each.default is MISSING and each.default_factory is MISSING and each.name != "scope"
        }
        return frozenset(without | (self.kinds.keys() & {EXECUTION_ID}))


PARTS: Final[Mapping[str, JournalPart]] = {
    "execution": JournalPart(
        document=ExecutionDocument,
        kinds={
            "id": ColumnKind.ID,
            "workflow_id": ColumnKind.TEXT,
            "status": ColumnKind.TEXT,
            "input": ColumnKind.JSON,
            "created_at": ColumnKind.TIME,
            "current_node_id": ColumnKind.TEXT,
            "output": ColumnKind.JSON,
            "error": ColumnKind.TEXT,
            "metadata": ColumnKind.OBJECT,
            "version": ColumnKind.WHOLE,
            **_SPAN,
        },
        words={"status": get_args(ExecutionStatus)},
    ),
    "step": JournalPart(
        document=StepDocument,
        kinds={
            EXECUTION_ID: ColumnKind.ID,
            **_NODE,
            "status": ColumnKind.TEXT,
            "attempt": ColumnKind.WHOLE,
            "input": ColumnKind.JSON,
            "output": ColumnKind.JSON,
            "ports": ColumnKind.PORTS,
            "error": ColumnKind.TEXT,
            **_SPAN,
        },
        words={"status": get_args(StepStatus)},
        order=("started_at", "finished_at", "step_id"),
    ),
    "event": JournalPart(
        document=EventDocument,
        kinds={
            EXECUTION_ID: ColumnKind.ID,
            "sequence": ColumnKind.WHOLE,
            "type": ColumnKind.TEXT,
            "scope": ColumnKind.TEXT,
            "at": ColumnKind.TIME,
            **_NODE,
            "from_state": ColumnKind.TEXT,
            "event": ColumnKind.TEXT,
            "to_state": ColumnKind.TEXT,
            "attempt": ColumnKind.WHOLE,
            "payload": ColumnKind.JSON,
        },
        words={"scope": ("execution", "step")},
        order=("sequence",),
    ),
    "checkpoint": JournalPart(
        document=CheckpointDocument,
        kinds={
            EXECUTION_ID: ColumnKind.ID,
            "version": ColumnKind.WHOLE,
            "schema_version": ColumnKind.WHOLE,
            "sequence": ColumnKind.WHOLE,
            "state": ColumnKind.JSON,
            "checksum": ColumnKind.TEXT,
            "created_at": ColumnKind.TIME,
            "node_id": ColumnKind.TEXT,
            "duration_ms": ColumnKind.NUMBER,
            "error_message": ColumnKind.TEXT,
        },
        order=("version",),
    ),
    "metric": JournalPart(
        document=MetricDocument,
        kinds={
            EXECUTION_ID: ColumnKind.ID,
            **_NODE,
            "retry_count": ColumnKind.WHOLE,
            "status": ColumnKind.TEXT,
            "duration_ms": ColumnKind.NUMBER,
            "orchestrator_version": ColumnKind.TEXT,
            "recorded_at": ColumnKind.TIME,
        },
        words={"status": ("success", "failure", "cancelled")},
        order=("recorded_at", "step_id"),
    ),
    "timer": JournalPart(
        document=TimerDocument,
        kinds={
            EXECUTION_ID: ColumnKind.ID,
            "step_id": ColumnKind.TEXT,
            "kind": ColumnKind.TEXT,
            "due_at": ColumnKind.TIME,
            "attempt": ColumnKind.WHOLE,
            "fired_at": ColumnKind.TIME,
        },
        words={"kind": ("wait", "retry")},
        order=("due_at", "step_id", "attempt"),
    ),
}
"""The parts by their names in `cutover.toml`."""
_NEEDED: Final = ("execution", "step")
_INSIDE: Final = re.compile(r"(?P<column>.+?)\s*(?P<sign>->>?)\s*(?P<quote>'?)(?P<member>[^']+)(?P=quote)")


@dataclass(frozen=True, slots=True, kw_only=True)
class TableEntry:
    """`[engines.NAME.tables.PART]`, as it is written; a column that is `false` is not read."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    table: Annotated[str, Field(min_length=1)]
    columns: Mapping[str, Annotated[str, Field(min_length=1)] | Literal[False]] = field(default_factory=dict)
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ColumnPlace:
    """Where a value stands: a column, or a member of the JSON in it, as JSON (`->`) or as text (`->>`)."""

    column: str
    sign: Literal["", "->", "->>"] = ""
    member: str = ""

    def __str__(self) -> str:
        return f"{self.column}{self.sign}{self.member}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PartMapping:
    """Of one part: its table (perhaps with a schema), the places that were given, and what words stand for.

    A key of which nothing is said is read from the column of its name, where there is one; one of `left_out` is not.
    """

    where: str
    part: JournalPart
    schema: str | None
    table: str
    places: Mapping[str, ColumnPlace]
    left_out: frozenset[str]
    words: Mapping[str, Mapping[str, str]]


def mapped(where: str, tables: Mapping[str, TableEntry]) -> Mapping[str, PartMapping]:
    """Returns the mapping of each part that is given; `where` is the heading of all of them, without brackets.

    Raises BadEngineSettings for a part, a key or a word that the journal does not have, and where what every journal
    needs is absent.
    """
    for name in _NEEDED:
        if name not in tables:
            raise BadEngineSettings(f"[{where}]: it has no table for `{name}`; write [{where}.{name}]")
    found = {}
    for name, entry in tables.items():
        if name not in PARTS:
            raise BadEngineSettings(f"[{where}]: a journal has no part `{name}`; its parts are {_listed(PARTS)}")
        found[name] = _part(f"[{where}.{name}]", PARTS[name], entry)
    return found


def tables_identity(tables: Mapping[str, TableEntry]) -> Mapping[str, Any]:
    """Returns what a digest of an engine covers of its mapping."""
    return {name: asdict(entry) for name, entry in tables.items()}


def _part(where: str, part: JournalPart, entry: TableEntry) -> PartMapping:
    for setting, named in (("columns", entry.columns), ("words", entry.words)):
        for key in named:
            if key not in part.kinds:
                raise BadEngineSettings(f"{where}, {setting}: there is no `{key}`; there are {_listed(part.kinds)}")
    for key, words in entry.words.items():
        if part.kinds[key] is not ColumnKind.TEXT:
            raise BadEngineSettings(f"{where}, words: `{key}` is not a text, so it has no words")
        known = part.words.get(key)
        for theirs, ours in words.items():
            if known is not None and ours not in known:
                raise BadEngineSettings(
                    f"{where}, words.{key}: {theirs!r} is to be {ours!r}, and is one of {_listed(known)}"
                )
    schema, _, table = entry.table.rpartition(".")
    return PartMapping(
        where=where,
        part=part,
        schema=schema or None,
        table=table,
        places={key: _place(column) for key, column in entry.columns.items() if column is not False},
        left_out=frozenset(key for key, column in entry.columns.items() if column is False),
        words=entry.words,
    )


def _place(text: str) -> ColumnPlace:
    inside = _INSIDE.fullmatch(text)
    if inside is None:
        return ColumnPlace(text)
    return ColumnPlace(inside["column"], "->>" if inside["sign"] == "->>" else "->", inside["member"])


def _listed(names: Collection[str]) -> str:
    return ", ".join(names)
