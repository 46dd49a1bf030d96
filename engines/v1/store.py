"""The legacy engine's statements, each committed by itself. Writes Postgres over one autocommit connection."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg

from cutover.engines.api import ExecutionStatus, JsonText, JsonValue, StepStatus
from cutover.engines.errors import UnknownExecution
from cutover.engines.payloads import decode, encode, storable_text
from cutover.engines.sqlfiles import sql

__all__ = ["AutocommitStore", "LoadedExecution", "LoadedStep"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedStep:
    """A step's row, as far as a resume needs it."""

    status: StepStatus
    output: JsonText | None
    ports: tuple[str, ...]
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedExecution:
    """An execution's row and its steps by step id; `at` is the step at which a resume starts again."""

    status: ExecutionStatus
    at: str | None
    definition: JsonText
    input: JsonText
    metadata: Mapping[str, Any]
    steps: Mapping[str, LoadedStep]


class AutocommitStore:
    """Rows of one database."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None

    @property
    def connection(self) -> psycopg.Connection[tuple[Any, ...]]:
        """The connection, opened on first use and after the server has dropped it."""
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(self._dsn, autocommit=True, client_encoding="UTF8")
        return self._connection

    def close(self) -> None:
        """Closes the connection."""
        if self._connection is not None:
            self._connection.close()

    def install(self) -> None:
        """Creates the tables; two workers may do so at once."""
        with self.connection.transaction():
            self.connection.execute(sql("cutover.engines.v1", "schema"))

    def start(
        self, execution_id: UUID, workflow_id: str, definition: JsonText, given: JsonText, metadata: str
    ) -> tuple[bool, bool]:
        """Starts the execution where it is new; returns whether it was, and whether no other session drives it.

        Where none does, this one has the lock until `release`.
        """
        values = {
            "id": execution_id,
            "workflow_id": workflow_id,
            "definition": definition,
            "input": given,
            "metadata": metadata,
            "key": _lock_key(execution_id),
        }
        [(new, alone)] = self.connection.execute(sql("cutover.engines.v1", "start_execution"), values).fetchall()
        return new, alone

    def hold(self, execution_id: UUID) -> bool:
        """Takes the lock on driving the execution; False where another session has it."""
        values = {"key": _lock_key(execution_id)}
        [(alone,)] = self.connection.execute(sql("cutover.engines.v1", "drive_lock"), values).fetchall()
        return bool(alone)

    def release(self, execution_id: UUID) -> None:
        """Gives the lock back; it does not outlive its session."""
        if self._connection is not None and not self._connection.closed:
            with suppress(psycopg.Error):
                self._connection.execute(sql("cutover.engines.v1", "drive_unlock"), {"key": _lock_key(execution_id)})

    def load(self, execution_id: UUID) -> LoadedExecution:
        """Returns all that is kept of an execution. Raises UnknownExecution."""
        values = {"id": execution_id}
        row = self.connection.execute(sql("cutover.engines.v1", "load_execution"), values).fetchone()
        if row is None:
            raise UnknownExecution(f"no execution {execution_id} in this database; start it with execute() first")
        status, at, definition, given, metadata = row
        found = self.connection.execute(sql("cutover.engines.v1", "load_steps"), values).fetchall()
        steps = {
            step_id: LoadedStep(status=state, output=output, ports=tuple(ports), error=error)
            for step_id, state, output, ports, error in found
        }
        notes: Any = decode(metadata)
        return LoadedExecution(status=status, at=at, definition=definition, input=given, metadata=notes, steps=steps)

    def move(self, execution_id: UUID, step_id: str) -> None:
        """Sets where a resume starts again."""
        self._run("move", execution_id, step_id=step_id)

    def note(self, execution_id: UUID, notes: JsonValue) -> None:
        """Adds notes to the execution's metadata."""
        self._run("note", execution_id, notes=encode(notes))

    def begin(self, execution_id: UUID, step_id: str, node_id: str, status: StepStatus, given: JsonText) -> None:
        """A step has started."""
        self._run("begin_step", execution_id, step_id=step_id, node_id=node_id, status=status, input=given)

    def end(
        self,
        execution_id: UUID,
        step_id: str,
        status: StepStatus,
        *,
        output: JsonText | None = None,
        ports: tuple[str, ...] = (),
        error: str | None = None,
    ) -> None:
        """A step has ended."""
        left = [storable_text(port) for port in ports]
        text = None if error is None else storable_text(error)
        self._run("end_step", execution_id, step_id=step_id, status=status, output=output, ports=left, error=text)

    def record(self, execution_id: UUID, step_id: str, node_id: str, value: JsonText) -> None:
        """A step has ended at once; `value` is its input and its output."""
        self._run("record_step", execution_id, step_id=step_id, node_id=node_id, value=value)

    def fail(self, execution_id: UUID, step_id: str, node_id: str, error: str) -> None:
        """A step has failed, and with it the execution."""
        self._run("fail_step", execution_id, step_id=step_id, node_id=node_id, error=storable_text(error))

    def skip(self, execution_id: UUID, step_id: str, node_id: str) -> None:
        """A step will not run."""
        self._run("skip_step", execution_id, step_id=step_id, node_id=node_id)

    def finish(
        self, execution_id: UUID, status: ExecutionStatus, output: JsonText | None = None, error: str | None = None
    ) -> None:
        """The execution has ended; steps that have not are cancelled first."""
        self._run("cancel_steps", execution_id)
        text = None if error is None else storable_text(error)
        self._run("end_execution", execution_id, status=status, output=output, error=text)

    def _run(self, statement: str, execution_id: UUID, **values: object) -> int:
        return self.connection.execute(sql("cutover.engines.v1", statement), {"id": execution_id, **values}).rowcount


def _lock_key(execution_id: UUID) -> int:
    """The number that stands for driving this execution among Postgres's advisory locks."""
    digest = hashlib.sha256(b"engines.v1:" + execution_id.bytes).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
