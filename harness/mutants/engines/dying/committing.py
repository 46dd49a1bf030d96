"""Engines whose commits lose, repeat or invent something."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from uuid import UUID

from cutover.engines.api import EngineContext
from cutover.engines.errors import LeaseLost
from cutover.engines.sqlfiles import sql
from cutover.engines.v2 import store
from cutover.engines.v2.events import Event, record
from cutover.engines.v2.planner import Step
from cutover.engines.v2.recovery import Claimed, Rows
from cutover.engines.v2.run import ExecutionRun
from cutover.engines.v2.writer import PARTS, Statements, Writer
from cutover.harness.mutants.engines.broken import BrokenV2
from cutover.harness.mutants.patching import Patch

__all__ = [
    "AppendsUnlocked",
    "CommitsBlindly",
    "DropsEvents",
    "GathersCommits",
    "ReEmits",
    "StoresTheRefusal",
    "WritesBehind",
]

HERE = "cutover.harness.mutants.engines"
_LONG = 20
_PUT_OFF = 2


class StoresTheRefusal(BrokenV2):
    """Takes 40001 for the step's own failure."""

    def patches(self) -> tuple[Patch, ...]:
        """No commit is sent twice."""
        return ((store, "COMMIT_TRIES", 1),)

    def go_on(self, run: ExecutionRun, step: Step | None) -> None:
        """As V2, but a refused commit fails the step."""
        try:
            super().go_on(run, step)
        except store.PostgresRefused as error:
            claimed = self.claims.take(run.execution_id, force=True)
            if claimed is None:
                return
            again, _ = self.restore(run.execution_id, claimed)
            if again.active is not None and again.active.status == "running":
                again.fail(again.active, str(error))
                self.writer.commit(again)


class _Blind(Writer):
    def commit(self, run: ExecutionRun) -> None:
        delta = run.delta
        try:
            super().commit(run)
        except LeaseLost:
            row = self._store.connection.execute(sql(HERE, "newest"), {"id": run.execution_id}).fetchone()
            if row is None or row[0] != run.epoch:
                raise
            _, run.version, sequence, run.checksum = row
            shift = sequence - (run.sequence - len(delta.events))
            delta.events = [entry._replace(sequence=entry.sequence + shift) for entry in delta.events]
            run.sequence, run.delta = run.sequence + shift, delta
            super().commit(run)

    def _landed(self, run: ExecutionRun, version: int) -> bool:
        del run, version
        return False


class CommitsBlindly(BrokenV2):
    """Sends a commit whose answer was lost once more, without a look at whether it landed."""

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        self.writer = _Blind(self.store, context.clock, self.lines, self.owner)


class _Apart(Writer):
    def _write(
        self, statements: Statements, run: ExecutionRun, held: Sequence[str], landed: Callable[[int], bool]
    ) -> bool:
        events, run.delta.events = run.delta.events, []
        if not super()._write(statements, run, held, landed):
            return False
        self._store._send(sql(HERE, "events"), {"id": run.execution_id, "events": _as_json(events)})
        self._lines.say(self._lines.of(run.execution_id, events, self._clock.now()))
        return True


class DropsEvents(BrokenV2):
    """Writes the events in a transaction of their own, after the one that they tell of."""

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        self.writer = _Apart(self.store, context.clock, self.lines, self.owner)


class _Appending(Writer):
    def commit(self, run: ExecutionRun) -> None:
        events = _as_json(run.delta.events)
        try:
            super().commit(run)
        except LeaseLost:
            self._store.connection.execute(sql(HERE, "append"), {"id": run.execution_id, "events": events})
            raise


class AppendsUnlocked(BrokenV2):
    """Numbers an event by the highest number there is and one more, whoever else is writing."""

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        self.writer = _Appending(self.store, context.clock, self.lines, self.owner)


class ReEmits(BrokenV2):
    """Tells of the start of a step again when it goes on with it."""

    def restore(self, execution_id: UUID, claimed: Claimed) -> tuple[ExecutionRun, Rows]:
        """As V2, with one event more."""
        run, rows = super().restore(execution_id, claimed)
        if run.active is not None and run.active.status == "running":
            run._event(run.active, "START", "pending", "running")
        return run, rows


class WritesBehind(BrokenV2):
    """Goes on as soon as a commit stands in its queue, and empties the queue when there is nothing else to do."""

    def go_on(self, run: ExecutionRun, step: Step | None) -> None:
        """As V2, with one commit at the end."""
        while run.status == "running" and not run.paused:
            if step is not None:
                self.work(run, step)
            step = run.advance(self.clock.now())
        if run.delta:
            self.writer.commit(run)
        if not run.released:
            self.claims.release(run.execution_id, run.epoch)


def _as_json(events: Iterable[Event]) -> str:
    """The events' rows, an object each."""
    return json.dumps([dict(zip(PARTS["events"], record(entry), strict=True)) for entry in events])


class GathersCommits(BrokenV2):
    """Writes every third step alone, with the two before it, once an execution has become a long one."""

    late = 0

    def go_on(self, run: ExecutionRun, step: Step | None) -> None:
        """As V2, and puts some commits off."""
        while True:
            if self._puts_off(run, step):
                self.late += 1
            elif run.delta:
                self.late = 0
                self.writer.commit(run)
            if run.status != "running" or run.paused:
                if not run.released:
                    self.claims.release(run.execution_id, run.epoch)
                return
            if step is not None:
                self.work(run, step)
            step = run.advance(self.clock.now())

    def _puts_off(self, run: ExecutionRun, step: Step | None) -> bool:
        begins = step is not None and step.status == "running" and step.attempt == 1
        return begins and run.version > _LONG and self.late < _PUT_OFF
