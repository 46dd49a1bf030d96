"""Reads the journal of one execution from a team's own tables. Reads Postgres, through SQLAlchemy's reflection."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import psycopg
from sqlalchemy import Connection, Select, bindparam, column, create_engine, inspect, nulls_last, select, table, types
from sqlalchemy.exc import DBAPIError, NoSuchTableError
from sqlalchemy.pool import NullPool

from cutover.engines.api import Journal
from cutover.engines.byprocess.faults import BadEngineSettings
from cutover.engines.byprocess.rows import JournalDocument, journal_of
from cutover.engines.byprocess.tables.columns import fits, read, selected, type_of
from cutover.engines.byprocess.tables.mapping import EXECUTION_ID, ColumnPlace, PartMapping
from cutover.engines.errors import EngineError, UnknownExecution

__all__ = ["MappedTables", "UnreadableRow"]

_ONE_SNAPSHOT: Final = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


class UnreadableRow(EngineError):
    """A row of a mapped table holds what no journal has; the message says the table, the column and the value."""


@dataclass(frozen=True, slots=True)
class _PartQuery:
    """How the rows of a part are asked for: a statement, and what its columns are read as, in their order."""

    mapping: PartMapping
    statement: Select[Any]
    places: Mapping[str, ColumnPlace]
    id_is_text: bool


class MappedTables:
    """The tables of one engine in one database; connects on first use. `mapping` says where the rows of a part are."""

    def __init__(self, spec: str, dsn: str, mapping: Mapping[str, PartMapping]) -> None:
        self._spec, self._mapping = spec, mapping
        self._engine = create_engine(
            "postgresql+psycopg://", creator=lambda: psycopg.connect(dsn), poolclass=NullPool
        ).execution_options(**_ONE_SNAPSHOT)
        self._connection: Connection | None = None
        self._queries: Mapping[str, _PartQuery] | None = None

    def check(self) -> None:
        """Looks at the tables. Raises BadEngineSettings where one is absent, or has not what the mapping names."""
        self._queries = None
        with self._reading() as connection:
            self._queried(connection)

    def journal(self, execution_id: UUID) -> Journal:
        """Returns what is committed of an execution, in one snapshot.

        Raises UnknownExecution, UnreadableRow, and BadEngineSettings as `check` does.
        """
        with self._reading() as connection:
            found = {
                name: self._rows(connection, each, execution_id) for name, each in self._queried(connection).items()
            }
        executions = found.pop("execution")
        if not executions:
            raise UnknownExecution(f"no execution {execution_id} in this database; start it with execute() first")
        if len(executions) > 1:
            where = self._mapping["execution"]
            raise UnreadableRow(
                f"engine {self._spec!r}: table {where.table} has {len(executions)} rows of {execution_id}"
            )
        rows: dict[str, Any] = {f"{name}s": tuple(each) for name, each in found.items()}
        return journal_of(JournalDocument(execution=executions[0], **rows))

    def close(self) -> None:
        """Gives the connection back."""
        if self._connection is not None:
            with contextlib.suppress(DBAPIError, psycopg.Error):
                self._connection.close()
        self._connection = None

    @contextlib.contextmanager
    def _reading(self) -> Iterator[Connection]:
        """One transaction; what the server says comes out as the driver has it, and the connection is given up."""
        try:
            if self._connection is None:
                self._connection = self._engine.connect()
            with self._connection.begin():
                yield self._connection
        except DBAPIError as error:
            self.close()
            raise (error.orig or error) from error
        except psycopg.Error:
            self.close()
            raise

    def _queried(self, connection: Connection) -> Mapping[str, _PartQuery]:
        if self._queries is None:
            self._queries = {name: _query(self._spec, connection, each) for name, each in self._mapping.items()}
        return self._queries

    def _rows(self, connection: Connection, query: _PartQuery, execution_id: UUID) -> list[Any]:
        asked = str(execution_id) if query.id_is_text else execution_id
        return [self._row(query, row) for row in connection.execute(query.statement, {EXECUTION_ID: asked})]

    def _row(self, query: _PartQuery, row: Any) -> Any:
        part, values = query.mapping.part, {}
        for (key, place), value in zip(query.places.items(), row, strict=True):
            if value is None:
                if key in part.needed:
                    raise self._unreadable(query, place, f"null, and a journal needs `{key}`")
                continue
            try:
                values[key] = _worded(query.mapping, key, read(part.kinds[key], value))
            except ValueError as error:
                raise self._unreadable(query, place, str(error)) from None
        if "scope" in part.kinds:
            values.setdefault("scope", "execution" if values.get("step_id") is None else "step")
        values.pop(EXECUTION_ID, None)
        return part.document(**values)

    def _unreadable(self, query: _PartQuery, place: ColumnPlace, what: str) -> UnreadableRow:
        return UnreadableRow(f"engine {self._spec!r}: table {query.mapping.table}, column {place}: {what}")


def _worded(mapping: PartMapping, key: str, value: Any) -> Any:
    """Returns the journal's word for the team's. Raises ValueError where it has none."""
    words, known = mapping.words.get(key, {}), mapping.part.words.get(key)
    found = words.get(value, value) if isinstance(value, str) else value
    if known is not None and found not in known:
        raise ValueError(
            f"{found!a} is not a `{key}` of a journal; those are {', '.join(known)}; say which it is in "
            f"{mapping.where}, words = {{ {key} = {{ ... }} }}"
        )
    return found


def _query(spec: str, connection: Connection, mapping: PartMapping) -> _PartQuery:
    """Returns how a part is asked for. Raises BadEngineSettings where its table has not what the mapping names."""
    place = f"engine {spec!r}: {mapping.where}"
    try:
        has = {each["name"]: each["type"] for each in inspect(connection).get_columns(mapping.table, mapping.schema)}
    except NoSuchTableError:
        name = f"{mapping.schema}.{mapping.table}" if mapping.schema else mapping.table
        raise BadEngineSettings(
            f"{place}: the database has no table or view {name} once the engine is installed"
        ) from None
    places = {}
    for key in mapping.part.kinds:
        found = mapping.places.get(key) or ColumnPlace(key)
        if key in mapping.left_out or (key not in mapping.places and key not in has):
            if key in mapping.part.needed:
                raise BadEngineSettings(
                    f"{place}, columns: nothing says where `{key}` is read from, which a journal needs; table "
                    f"{mapping.table} has {', '.join(has)}"
                )
            continue
        if found.column not in has:
            raise BadEngineSettings(
                f"{place}, columns.{key}: table {mapping.table} has no column {found.column}; it has {', '.join(has)}"
            )
        _refuse_type(f"{place}, columns.{key}: column {found}", mapping, key, has[found.column], found)
        places[key] = found
    return _statement(mapping, places, has)


def _refuse_type(where: str, mapping: PartMapping, key: str, found: types.TypeEngine[Any], place: ColumnPlace) -> None:
    kind, held = mapping.part.kinds[key], type_of(found, place)
    if held is None:
        raise BadEngineSettings(f"{where} asks for a member of {place.column}, which is {found} and not json")
    if not fits(kind, held, place):
        left_out = "" if key in mapping.part.needed else f"; columns = {{ {key} = false }} leaves it out"
        raise BadEngineSettings(f"{where} is {held}, and `{key}` is read from {kind.value}{left_out}")
    for label in getattr(held, "enums", ()):
        try:
            _worded(mapping, key, label)
        except ValueError as error:
            raise BadEngineSettings(f"{where}: {error}") from None


def _statement(
    mapping: PartMapping, places: Mapping[str, ColumnPlace], has: Mapping[str, types.TypeEngine[Any]]
) -> _PartQuery:
    kinds = mapping.part.kinds
    columns = {name: column(name, type_of(of, ColumnPlace(name))) for name, of in has.items()}
    chosen = {key: selected(columns[place.column], kinds[key], place) for key, place in places.items()}
    source = table(mapping.table, *columns.values(), schema=mapping.schema)
    found_by = EXECUTION_ID if EXECUTION_ID in kinds else "id"
    id_place = places[found_by]
    asked = chosen[found_by] == bindparam(EXECUTION_ID)
    ordered = [nulls_last(chosen[key]) for key in mapping.part.order if key in chosen]
    statement = select(*chosen.values()).select_from(source).where(asked).order_by(*ordered)
    id_is_text = not isinstance(type_of(has[id_place.column], id_place), types.Uuid)
    return _PartQuery(mapping, statement, places, id_is_text)
