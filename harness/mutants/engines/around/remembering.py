"""Engines that forget what they were told long ago, cut what is long, or ask too little whose a thing is."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from cutover.engines.api import (
    Activities,
    ActivityCall,
    ActivityResult,
    EngineContext,
    ExecutionRequest,
    Journal,
    JsonText,
    JsonValue,
    Signal,
)
from cutover.engines.payloads import encode
from cutover.engines.sqlfiles import sql
from cutover.engines.v2 import retry
from cutover.engines.v2 import run as run_module
from cutover.engines.v2.recovery import Claimed, Rows
from cutover.engines.v2.run import ExecutionRun
from cutover.engines.v2.store import Store
from cutover.engines.v2.writer import Writer
from cutover.harness.mutants.engines.broken import BrokenV2
from cutover.harness.mutants.patching import Patch

__all__ = [
    "ConnectsEachThread",
    "CountsDaysByCalendar",
    "DropsEmptyMetadata",
    "EndsTheOldAtInstall",
    "FreesAnyLease",
    "KeepsSignalsAnHour",
    "KeepsTenSignals",
    "ReadsOnePage",
    "RemembersThreeSignals",
    "SetsTimersInBatches",
    "SharesDecodedInputs",
]

_HERE = "cutover.harness.mutants.engines"
_HOUR = timedelta(hours=1)
_PAGE = 5_000
_BATCH = 16
_MOST_KEPT = 10
_DAY_MS = 86_400_000


class RemembersThreeSignals(BrokenV2):
    """Knows the three signals that were used last; an older one that comes again is new."""

    def resume(self, execution_id: UUID, signal: Signal | None = None) -> None:
        """As V2, and forgets."""
        super().resume(execution_id, signal)
        self.store.connection.execute(sql(_HERE, "forget_signals"), {"id": execution_id})


class KeepsSignalsAnHour(BrokenV2):
    """Keeps an early signal for an hour."""

    since: ClassVar[dict[tuple[UUID, str], datetime]] = {}

    def restore(self, execution_id: UUID, claimed: Claimed) -> tuple[ExecutionRun, Rows]:
        """As V2, without the signals whose hour is over."""
        run, rows = super().restore(execution_id, claimed)
        now = self.clock.now()
        run.signals = [kept for kept in run.signals if now - self.since.get((execution_id, kept[0]), now) <= _HOUR]
        return run, rows

    def resume(self, execution_id: UUID, signal: Signal | None = None) -> None:
        """As V2, and notes when the signal came."""
        if signal is not None:
            self.since.setdefault((execution_id, signal.id), self.clock.now())
        super().resume(execution_id, signal)


class KeepsTenSignals(BrokenV2):
    """Keeps the ten newest of the signals that came early."""

    def restore(self, execution_id: UUID, claimed: Claimed) -> tuple[ExecutionRun, Rows]:
        """As V2, without the older ones."""
        run, rows = super().restore(execution_id, claimed)
        run.signals = run.signals[-_MOST_KEPT:]
        return run, rows


class CountsDaysByCalendar(BrokenV2):
    """Counts whole days by the calendar of the place where it runs."""

    def patches(self) -> tuple[Patch, ...]:
        """When a wait is over."""

        def due_at(now: datetime, delay_ms: float) -> datetime:
            if not delay_ms or delay_ms % _DAY_MS:
                return original(now, delay_ms)
            local = now.astimezone().replace(tzinfo=None) + timedelta(milliseconds=delay_ms)
            return local.astimezone().astimezone(UTC)

        original = retry.due_at
        return ((run_module, "due_at", due_at),)


class _OneOfEach:
    """Activities that are called with one object for all inputs that are equal."""

    made: ClassVar[dict[JsonText, JsonValue]] = {}

    def __init__(self, world: Activities) -> None:
        self._world = world

    def call(self, call: ActivityCall) -> ActivityResult:
        """Calls with the object that there is."""
        return self._world.call(replace(call, input=self.made.setdefault(encode(call.input), call.input)))


class SharesDecodedInputs(BrokenV2):
    """Decodes equal inputs once, and hands the same object to whoever is called with it."""

    def __init__(self, context: EngineContext) -> None:
        super().__init__(replace(context, activities=_OneOfEach(context.activities)))


class SetsTimersInBatches(BrokenV2):
    """Writes the timers of a commit in batches of 16, and forgets the batch that is not full."""

    def patches(self) -> tuple[Patch, ...]:
        """How a commit is written."""
        original = Writer._write

        def write(writer: Writer, statements: Any, run: ExecutionRun, held: Any, landed: Any) -> bool:
            timers = run.delta.timers
            if len(timers) > _BATCH:
                run.delta.timers = dict(list(timers.items())[: len(timers) // _BATCH * _BATCH])
            return original(writer, statements, run, held, landed)

        return ((Writer, "_write", write),)


class ReadsOnePage(BrokenV2):
    """Reads the first 5,000 events of an execution back."""

    def journal(self, execution_id: UUID) -> Journal:
        """As V2, but for what comes later."""
        found = super().journal(execution_id)
        return replace(found, events=found.events[:_PAGE])


class ConnectsEachThread(BrokenV2):
    """Opens a connection where another thread asks, and keeps those of the threads before."""

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        self.kept: list[object] = []
        self.thread: object = None

    def execute(self, request: ExecutionRequest) -> None:
        """As V2, on the thread's own connection."""
        if self.thread is not threading.current_thread() and self.thread is not None:
            self.kept.append(self.store._connection)
            self.store._connection = None
        self.thread = threading.current_thread()
        super().execute(request)


class EndsTheOldAtInstall(BrokenV2):
    """Ends what has run for a week and is held by nobody, as failed, when it is installed."""

    def install(self) -> None:
        """As V2, and tidies up."""
        super().install()
        self.store.connection.execute(sql(_HERE, "fail_old"))


class DropsEmptyMetadata(BrokenV2):
    """Keeps no metadata whose value is empty."""

    def execute(self, request: ExecutionRequest) -> None:
        """As V2, without it."""
        super().execute(replace(request, metadata={key: value for key, value in request.metadata.items() if value}))


class _FreeingStore(Store):
    """V2's connection, which lets a lease run out whoever has it."""

    def run(self, name: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """As V2's, but for that statement."""
        if name == "give_up":
            return self.connection.execute(sql(_HERE, "free_lease"), parameters).fetchall()
        return super().run(name, parameters)


class FreesAnyLease(BrokenV2):
    """Lets the lease run out where its drive ended by an error, without looking whose lease that is by now."""

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        self.store = self.writer._store = self.claims._store = _FreeingStore(context.dsn)
