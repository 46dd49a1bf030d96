"""The feature flag controller: which engine serves an execution. Reads and writes Postgres over its own connection.

An execution is assigned once, at its start, by its bucket and the flag of that moment, and the assignment is written to
the database before any engine hears of it (`cutover.engines.pins`). A rollback therefore stops new starts on the
candidate at once, and what is in flight ends where it began.
"""

from __future__ import annotations

import hashlib
import logging
import re
import time
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final
from uuid import UUID

import psycopg

from cutover.engines.api import Engine, ExecutionRequest, Journal, Signal
from cutover.engines.connection import ServerSilent
from cutover.engines.errors import EngineError, PayloadRefused, UnknownExecution, WorkflowRefused
from cutover.engines.flags import OFF, Flag, FlagError, FlagSource
from cutover.engines.payloads import storable_text
from cutover.engines.pins import Pin, Pins, Standing, StartNotes
from cutover.engines.roles import Role

__all__ = ["BUCKETS", "SALT", "Assignment", "EmptyId", "Router", "assign", "bucket_of"]

BUCKETS = 10_000
"""One bucket is 0.01 % of the executions."""
SALT = "orchestrator-v2"
"""The default salt; another salt deals the executions anew."""
_UUID: Final = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}|[0-9a-f]{32}", re.ASCII | re.IGNORECASE)
_LOG_PAUSE_S: Final = 60
"""How long no line is tried where one could not be written."""

_logger = logging.getLogger(__name__)


class EmptyId(EngineError):
    """An execution without an id has no bucket; give it one before it is routed."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """Where an execution belongs: its bucket, from 0 to 9,999, and the percentage it was held against."""

    role: Role
    bucket: int
    percent: Decimal


def bucket_of(execution_id: UUID | str, *, salt: str = SALT) -> int:
    """Returns the execution's bucket, which never changes, however its UUID is written. Raises EmptyId."""
    name = str(execution_id)
    if not name.strip():
        raise EmptyId("an execution with an empty id cannot be routed: all of them would share one bucket")
    bare = name.strip("{}").removeprefix("urn:uuid:")
    if _UUID.fullmatch(bare):
        name = str(UUID(bare))
    digest = hashlib.sha256(f"{salt}:{name}".encode()).digest()
    return (int.from_bytes(digest[:4], "big") * BUCKETS) >> 32


def assign(execution_id: UUID | str, flag: Flag, *, salt: str = SALT) -> Assignment:
    """Returns the role under this flag: sticky, and as the share grows nothing moves back. Raises EmptyId."""
    bucket = bucket_of(execution_id, salt=salt)
    return Assignment("candidate" if bucket < flag.share * 100 else "control", bucket, flag.share)


class Router:
    """Two engines behind one flag; an Engine itself.

    The engines may be any, with tables of their own or not. They may have one name; then an execution that no router
    has started is the control's. Where the database does not answer within `timeout_s` nothing is started.
    """

    name: str = "router"

    def __init__(
        self,
        *,
        control: Engine,
        candidate: Engine,
        flags: FlagSource,
        dsn: str,
        salt: str = SALT,
        timeout_s: int = 30,
    ) -> None:
        self._engines: dict[Role, Engine] = {"control": control, "candidate": candidate}
        self._flags = flags
        self._pins = Pins(dsn, timeout_s=timeout_s)
        self._salt = salt
        self._logs_again_at = 0.0

    def install(self) -> None:
        """Creates both engines' tables and the router's; idempotent."""
        for engine in self._engines.values():
            engine.install()
        self._pins.install()

    def execute(self, request: ExecutionRequest) -> None:
        """Starts the execution on its bucket's engine, or continues on the one that it is pinned to.

        A flag that cannot be read, for whatever reason, starts nothing on the candidate: the control serves, and the
        log says why. A log line that cannot be written keeps nothing from starting. Raises ExecutionHeld where another
        router is just starting the same execution, and EngineError where the database does not say who serves it.
        """
        execution_id = request.execution_id
        begun = self._begun(self._pins.standing(execution_id), execution_id)
        if begun is not None:
            self._engines[begun].execute(request)
            return
        with self._pins.starting(execution_id):
            standing = self._pins.standing(execution_id, same_session=True)
            if standing.noted is not None:
                self._engines[self._by_notes(standing.noted, execution_id)].execute(request)
                return
            if standing.pin is not None:
                self._start(request, standing.pin, "")
                return
            pin, new, note = self._decided(execution_id)
            try:
                self._start(request, pin, note)
            except (PayloadRefused, WorkflowRefused):
                if new and not _knows(self._engines[self._by_pin(pin, execution_id)], execution_id):
                    self._pins.withdraw(execution_id)
                raise

    def resume(self, execution_id: UUID, signal: Signal | None = None) -> None:
        """Continues on the engine that the execution is pinned to, whatever the flag says now."""
        self._serving(execution_id).resume(execution_id, signal)

    def cancel(self, execution_id: UUID) -> None:
        """Cancels on the engine that the execution is pinned to."""
        self._serving(execution_id).cancel(execution_id)

    def journal(self, execution_id: UUID) -> Journal:
        """Returns the journal of the engine that the execution is pinned to."""
        return self._serving(execution_id).journal(execution_id)

    def close(self) -> None:
        """Closes both engines and the router's connection."""
        for engine in self._engines.values():
            engine.close()
        self._pins.close()

    def _serving(self, execution_id: UUID) -> Engine:
        standing = self._pins.standing(execution_id)
        if standing.noted is not None:
            return self._engines[self._by_notes(standing.noted, execution_id)]
        if standing.pin is not None:
            return self._engines[self._by_pin(standing.pin, execution_id)]
        for engine in self._engines.values():
            if _knows(engine, execution_id):
                return engine
        raise UnknownExecution(f"no execution {execution_id} in this database; start it with execute() first")

    def _begun(self, standing: Standing, execution_id: UUID) -> Role | None:
        """The role whose engine has the execution already; None where it has yet to be started.

        What is neither in the shared table nor pinned may have been started before there was a router, by a control
        that keeps tables of its own. The candidate is not asked: an ill one must not keep the control from starting.
        """
        if standing.noted is not None:
            return self._by_notes(standing.noted, execution_id)
        role: Role = "control" if standing.pin is None else self._by_pin(standing.pin, execution_id)
        return role if _knows(self._engines[role], execution_id) else None

    def _start(self, request: ExecutionRequest, pin: Pin, note: str) -> None:
        role = self._by_pin(pin, request.execution_id)
        self._log(f"Using orchestrator {pin.engine}{note}")
        self._engines[role].execute(replace(request, metadata={**request.metadata, **pin.notes()}))

    def _decided(self, execution_id: UUID) -> tuple[Pin, bool, str]:
        """Assigns the execution, unless that has been done: the pin, whether it is new, and a note for the log."""
        try:
            flag, note = self._flags.read(), ""
            found = assign(execution_id, flag, salt=self._salt)
        except Exception as error:  # noqa: BLE001 - whatever a source raises must not keep executions from starting
            unread = f"the flag cannot be read: {type(error).__name__}: {error}"
            note = f" ({error if isinstance(error, FlagError) else unread})"
            found = assign(execution_id, OFF, salt=self._salt)
        proposed = Pin(found.role, self._engines[found.role].name, found.bucket, found.percent, self._salt)
        return *self._pins.decide(execution_id, proposed), note

    def _by_notes(self, noted: StartNotes, execution_id: UUID) -> Role:
        if noted.engine is not None:
            return self._named(noted.engine, noted.role, execution_id)
        matching: list[Role] = [role for role, engine in self._engines.items() if engine.name == noted.version]
        if len(matching) == 1:
            return matching[0]
        return "candidate" if noted.role == "candidate" else "control"

    def _by_pin(self, pin: Pin, execution_id: UUID) -> Role:
        return self._named(pin.engine, pin.role, execution_id)

    def _named(self, name: str, role: str | None, execution_id: UUID) -> Role:
        """The role of the engine that an execution was given to by name; `role` counts where both have that name."""
        matching: list[Role] = [each for each, engine in self._engines.items() if storable_text(engine.name) == name]
        if not matching:
            known = " and ".join(repr(engine.name) for engine in self._engines.values())
            raise EngineError(
                f"execution {execution_id} was given to engine {name!r}, and behind this router are {known}; "
                "end it through a router that has that engine"
            )
        if len(matching) == 1:
            return matching[0]
        return "candidate" if role == "candidate" else "control"

    def _log(self, message: str) -> None:
        """Writes the log line where that can be done."""
        if time.monotonic() < self._logs_again_at:
            return
        try:
            self._pins.log(storable_text(message))
        except (psycopg.Error, ServerSilent) as error:
            self._logs_again_at = time.monotonic() + _LOG_PAUSE_S
            reason = str(error).partition("\n")[0]
            _logger.warning("edge_logs cannot be written, next try in %d s: %s", _LOG_PAUSE_S, reason)


def _knows(engine: Engine, execution_id: UUID) -> bool:
    """Whether the engine has the execution; asked twice, since a lost connection may be noticed only now."""
    for last in (False, True):
        try:
            engine.journal(execution_id)
        except UnknownExecution:
            return False
        except Exception:
            if last:
                raise
        else:
            return True
    raise AssertionError("the last try returns or raises")
