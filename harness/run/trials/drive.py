"""Drives one execution: starts it, answers its pauses, runs it once more. Calls the engine, measures real time."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from cutover.engines.api import Engine, ExecutionRequest, Journal, JsonValue, Signal
from cutover.engines.errors import PayloadRefused
from cutover.engines.payloads import decode, encode
from cutover.harness.record.trials import Again, Failure, LedgerEntry, WaitSeen
from cutover.harness.run.process.refusal import refusal_of
from cutover.harness.run.world.dispatcher import Flight
from cutover.harness.run.world.engine import committed
from cutover.harness.run.world.outside import Move, Outside
from cutover.harness.run.world.traces import trace_of
from cutover.scenarios.model import Scenario

__all__ = ["ArmDriver", "failure_of"]

_OVER: Final = frozenset({"completed", "failed", "skipped", "cancelled"})


class ArmDriver:
    """One execution on its way; after a failure nothing is asked of the engine but its journal.

    `seconds` is real time spent in the engine, without what ran `apart`; `waits` are the waits that were seen.
    """

    def __init__(
        self, engine: Engine, scenario: Scenario, flight: Flight, metadata: Mapping[str, str] | None = None
    ) -> None:
        self.engine = engine
        self.outside = Outside(scenario, flight.clock)
        self.journal: Journal | None = None
        self.failure: Failure | None = None
        self.ledger: tuple[LedgerEntry, ...] = ()
        self.logs: tuple[str, ...] = ()
        self.seconds = 0.0
        self.waits: dict[str, WaitSeen] = {}
        self._flight = flight
        self._request = ExecutionRequest(
            execution_id=flight.execution_id,
            workflow=scenario.workflow,
            input=_copy(scenario.input),
            metadata=metadata or {},
        )

    def start(self) -> None:
        """Executes until the first pause or the end."""
        self._ask(lambda: self.engine.execute(self._request))

    def finish(self) -> None:
        """Starts, and makes every move until there is none."""
        self.start()
        while (move := self.next()) is not None:
            self.make(move)

    def next(self) -> Move | None:
        """Returns the next move; None where the execution has ended, failed to return, or waits for nothing planned."""
        if self.failure is not None or self.journal is None:
            return None
        return self.outside.next(self.journal)

    def make(self, move: Move) -> None:
        """Does it."""
        execution_id = self._flight.execution_id
        if move.kind == "cancel":
            self._ask(lambda: self.engine.cancel(execution_id))
            return
        if move.until is not None:
            self._flight.clock.advance(move.until)
        signal = None
        if move.signal is not None:
            self.outside.delivered.append(move.signal.id)
            signal = Signal(id=move.signal.id, name=move.signal.name, payload=_copy(move.signal.payload))
        self._ask(lambda: self.engine.resume(execution_id, signal))

    def again(self) -> Again | None:
        """Settles the record, then resumes and executes once more and says what that did; None after a failure."""
        self.ledger, self.logs = self._flight.world.ledger, tuple(self._flight.logs)
        if self.failure is not None or self.journal is None:
            return None
        failure, journal = None, self.journal
        try:
            self.engine.resume(self._flight.execution_id)
            self.engine.execute(self._request)
            journal = committed(self.engine, self._flight.execution_id)
        except Exception as error:  # noqa: BLE001 - whatever an engine raises is an outcome
            failure = failure_of(error)
        changed = journal != self.journal
        calls = len(self._flight.world.ledger) - len(self.ledger)
        return Again(calls=calls, rows_changed=changed, journal=journal if changed else None, failure=failure)

    def apart(self, work: Callable[[], None]) -> None:
        """Runs something inside an engine's call that does not count as the engine's time."""
        begun = time.perf_counter()
        work()
        self.seconds -= time.perf_counter() - begun

    def _ask(self, request: Callable[[], None]) -> None:
        since = self._flight.clock.now()
        begun = time.perf_counter()
        try:
            request()
        except Exception as error:  # noqa: BLE001 - whatever an engine raises is an outcome
            self.failure = failure_of(error)
        finally:
            self.seconds += time.perf_counter() - begun
        try:
            self.journal = committed(self.engine, self._flight.execution_id)
            self._look(self.journal, since)
        except Exception as error:  # noqa: BLE001 - as above; UnknownExecution where the request was refused
            self.journal, self.failure = None, self.failure or failure_of(error)

    def _look(self, journal: Journal, since: datetime) -> None:
        """Notes which waits began or ended in the command that was sent at `since`."""
        now = self._flight.clock.now()
        for step in self.outside.waits_of(journal):
            seen = self.waits.get(step.step_id) or WaitSeen(step_id=step.step_id, since=since, until=now)
            if seen.over is None and (step.finished_at is not None or step.status in _OVER):
                seen = replace(seen, over=now)
            self.waits[step.step_id] = seen


def _copy(value: JsonValue) -> JsonValue:
    """Returns a copy of the value, so that engines share nothing; the value itself where it is not JSON."""
    try:
        return decode(encode(value))
    except (PayloadRefused, ValueError, TypeError, RecursionError):
        return value


def failure_of(error: Exception) -> Failure:
    """Returns what an engine raised, as it is recorded."""
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return Failure(kind="exception", type=name, message=str(error), refused=refusal_of(error), trace=trace_of(error))
