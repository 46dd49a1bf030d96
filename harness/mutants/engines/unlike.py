"""Sound engines that are built unlike V2: other leases, connections, threads, keys, zones, words. Do I/O as V2."""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields, is_dataclass, replace
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import Any, Final
from uuid import UUID

import psycopg

from cutover.engines.api import ActivityResult, EngineContext, ExecutionRequest, Journal, Signal
from cutover.engines.errors import EngineError, LeaseLost, PayloadRefused
from cutover.engines.payloads import encode
from cutover.engines.v2 import lease, writer
from cutover.engines.v2.lease import Renewer
from cutover.engines.v2.planner import Step
from cutover.engines.v2.record import Record
from cutover.engines.v2.run import ExecutionRun
from cutover.engines.v2.store import Store, connect
from cutover.engines.v2.writer import Writer
from cutover.harness.mutants.engines.broken import BrokenV2
from cutover.harness.mutants.patching import Patch

__all__ = [
    "CheckpointsBeforeAttempts",
    "CommitsTwoAtOnce",
    "JournalsInAnotherZone",
    "KeysByDigest",
    "LeasesForAMinute",
    "LooksInBackground",
    "PoolsConnections",
    "RunsAnEventLoop",
    "SortsKeys",
    "StartsSlowly",
    "WordsErrorsOtherwise",
]

_MINUTE: Final = timedelta(seconds=60)
_POOL: Final = 3
_LOOK_S: Final = 0.2
_START_S: Final = 0.3
_ZONE: Final = timezone(timedelta(hours=5, minutes=30))


class LeasesForAMinute(BrokenV2):
    """Holds its leases for a minute."""

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        self.renewer = Renewer(context.dsn, context.clock, every_s=_MINUTE.total_seconds() / 3)

    def patches(self) -> tuple[Patch, ...]:
        """How long a lease lasts."""
        return (lease, "TTL", _MINUTE), (writer, "TTL", _MINUTE)


class _ConnectionPool(Store):
    """Several connections, of which each command takes the next."""

    def __init__(self, dsn: str) -> None:
        super().__init__(dsn)
        self._idle = deque(Store(dsn) for _ in range(_POOL - 1))

    def turn(self) -> None:
        """Takes the next connection, with what is prepared on it."""
        used = Store(self._dsn)
        self._move(self, used)
        self._idle.append(used)
        self._move(self._idle.popleft(), self)

    def close(self) -> None:
        """Closes all of them."""
        super().close()
        for each in self._idle:
            each.close()

    @staticmethod
    def _move(source: Store, target: Store) -> None:
        for name in ("_connection", "_cursor", "_prepared"):
            setattr(target, name, getattr(source, name))


class PoolsConnections(BrokenV2):
    """Has a pool of connections, and takes another for each command."""

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        self.store = self.pool = _ConnectionPool(context.dsn)
        self.writer = Writer(self.store, context.clock, self.lines, self.owner)
        self.claims = lease.Claims(self.store, context.clock, self.lines, self.owner)

    def execute(self, request: ExecutionRequest) -> None:
        """As V2, on the next connection."""
        self.pool.turn()
        super().execute(request)

    def resume(self, execution_id: UUID, signal: Signal | None = None) -> None:
        """As V2, on the next connection."""
        self.pool.turn()
        super().resume(execution_id, signal)


class LooksInBackground(BrokenV2):
    """Has a thread that looks now and then whether the server is there, on a connection of its own."""

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        self.stop = threading.Event()
        self.looker: threading.Thread | None = None
        self._dsn = context.dsn

    def execute(self, request: ExecutionRequest) -> None:
        """As V2, with the thread."""
        if self.looker is None:
            self.looker = threading.Thread(target=self._look, daemon=True)
            self.looker.start()
        super().execute(request)

    def close(self) -> None:
        """Ends the thread too."""
        self.stop.set()
        if self.looker is not None:
            self.looker.join()
        super().close()

    def _look(self) -> None:
        connection: psycopg.Connection[tuple[Any, ...]] | None = None
        while not self.stop.wait(_LOOK_S):
            with suppress(psycopg.Error, EngineError):
                if connection is None or connection.closed:
                    connection = connect(self._dsn)
                connection.execute("SELECT 1")
        if connection is not None:
            connection.close()


class RunsAnEventLoop(BrokenV2):
    """Is asynchronous inside: an event loop for each command, whose work is done in a thread of the loop's pool."""

    def execute(self, request: ExecutionRequest) -> None:
        """As V2, awaited."""
        asyncio.run(asyncio.to_thread(super().execute, request))

    def resume(self, execution_id: UUID, signal: Signal | None = None) -> None:
        """As V2, awaited."""
        asyncio.run(asyncio.to_thread(super().resume, execution_id, signal))

    def cancel(self, execution_id: UUID) -> None:
        """As V2, awaited."""
        asyncio.run(asyncio.to_thread(super().cancel, execution_id))


class CheckpointsBeforeAttempts(BrokenV2):
    """Writes a checkpoint more before each attempt, in which no step has changed."""

    def attempt(self, run: ExecutionRun, step: Step) -> None:
        """As V2, after another checkpoint."""
        self.writer.commit(run)
        super().attempt(run, step)


class CommitsTwoAtOnce(BrokenV2):
    """Commits two branches' activities together, where the second did not wait for the first; looks at its lease."""

    def go_on(self, run: ExecutionRun, step: Step | None) -> None:
        """As V2, but for what two commits would have said."""
        kept = False
        waiting: set[tuple[int, int]] = set()
        while True:
            beside = step is not None and (id(step.frame), step.index) in waiting and step.status == "running"
            kept = bool(run.delta) and beside and not kept and run.status == "running"
            if kept:
                self._still_mine(run)
            elif run.delta:
                self.writer.commit(run)
            if run.status != "running" or run.paused:
                if not run.released:
                    self.claims.release(run.execution_id, run.epoch)
                return
            waiting = {(id(frame), index) for _, index, frame in run.ready}
            if step is not None:
                self.work(run, step)
            step = run.advance(self.clock.now())

    def _still_mine(self, run: ExecutionRun) -> None:
        """Looks at the lease before a second call that no commit has guarded."""
        if self.store.run("probe", {"id": run.execution_id}) != [(run.epoch, run.version)]:
            raise LeaseLost(f"execution {run.execution_id} was taken over by another worker; drop it")


class JournalsInAnotherZone(BrokenV2):
    """Gives the times of its journal in the zone of another country."""

    def journal(self, execution_id: UUID) -> Journal:
        """As V2, an hour of another zone."""
        moved: Journal = _moved(super().journal(execution_id))
        return moved


def _moved(value: Any) -> Any:
    """Returns rows with their times in another zone."""
    if isinstance(value, datetime):
        return value.astimezone(_ZONE)
    if isinstance(value, tuple):
        return tuple(map(_moved, value))
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{each.name: _moved(getattr(value, each.name)) for each in fields(value)})
    return value


class KeysByDigest(BrokenV2):
    """Has keys that tell nothing: a UUID of version 7 whose bits are a digest of the execution and the step."""

    def idempotency_key(self, execution_id: UUID, step_id: str) -> str:
        """The same in every attempt and redelivery."""
        number = int.from_bytes(hashlib.sha256(f"{execution_id}\0{step_id}".encode()).digest()[:16])
        return str(UUID(int=number & ~(0xF << 76) & ~(0x3 << 62) | 0x7 << 76 | 0x2 << 62))


class WordsErrorsOtherwise(BrokenV2):
    """Writes errors in words of its own, with the activity's message among them."""

    def patches(self) -> tuple[Patch, ...]:
        """What stands in the columns for errors."""
        failed, attempt_failed, end = Record._failed, ExecutionRun.attempt_failed, Record._end

        def worded(run: Record, step: Step, message: str) -> None:
            failed(run, step, message)
            step.error = f"[E-STEP] {step.step_id}: {step.error} (given up at attempt {step.attempt})"

        def worded_too(run: ExecutionRun, step: Step, message: str) -> None:
            attempt_failed(run, step, message)
            if step.error is not None and not step.error.startswith("[E-STEP]"):
                step.error = f"[E-STEP] {step.step_id}: {step.error} (passed over)"

        def ended(run: Record, event: str, output: str | None = None, error: str | None = None) -> None:
            end(run, event, output, None if error is None else f"[E-RUN] {error}")

        return (
            (Record, "_failed", worded),
            (ExecutionRun, "attempt_failed", worded_too),
            (Record, "_end", ended),
        )


class SortsKeys(BrokenV2):
    """Keeps objects with their keys sorted, at every depth."""

    def succeeded(self, run: ExecutionRun, step: Step, result: ActivityResult) -> None:
        """As V2, keys in the order of the alphabet; what cannot be kept is left for it to refuse."""
        with suppress(PayloadRefused):
            result = replace(result, output=json.loads(encode(result.output), object_pairs_hook=_sorted))
        super().succeeded(run, step, result)


def _sorted(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return dict(sorted(pairs))


class StartsSlowly(BrokenV2):
    """Takes its time until it is ready for its first command."""

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        self.ready: Callable[[], None] | None = partial(time.sleep, _START_S)

    def execute(self, request: ExecutionRequest) -> None:
        """As V2, once it is ready."""
        self._start()
        super().execute(request)

    def resume(self, execution_id: UUID, signal: Signal | None = None) -> None:
        """As V2, once it is ready."""
        self._start()
        super().resume(execution_id, signal)

    def _start(self) -> None:
        ready, self.ready = self.ready, None
        if ready is not None:
            ready()
