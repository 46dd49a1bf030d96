"""Engines that tear one change into two commits, between which a process may die. Does I/O as V2 does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID

from cutover.engines.api import EngineContext
from cutover.engines.sqlfiles import sql
from cutover.engines.v2.recovery import Claimed
from cutover.engines.v2.run import ExecutionRun
from cutover.engines.v2.writer import Statements, Writer
from cutover.harness.mutants.engines.broken import BrokenV2

__all__ = ["CancelsStepsFirst", "SetsFurtherTimersLater", "UsesSignalsBeforehand"]

_HERE = "cutover.harness.mutants.engines"


class CancelsStepsFirst(BrokenV2):
    """Cancels the steps where there are several, and the execution in another commit."""

    def cancel_whole(self, execution_id: UUID, claimed: Claimed) -> None:
        """As V2, in two commits."""
        run, _ = self.restore(execution_id, claimed)
        several = len(run.open) > 1
        run._cancel_open(keep=[])
        if several:
            self.writer.commit(run)
        run._end("CANCEL")
        self.writer.commit(run)


class _OneTimerACommit(Writer):
    def _write(
        self, statements: Statements, run: ExecutionRun, held: Sequence[str], landed: Callable[[int], bool]
    ) -> bool:
        first, *others = run.delta.timers.items() or [None]
        later = [row for each in others if each is not None for row in [each[1]] if row[4] is None]
        if first is not None and later:
            run.delta.timers = dict([first])
        written = super()._write(statements, run, held, landed)
        for step_id, kind, attempt, due_at, _ in later if written else ():
            timer = {"id": run.execution_id, "step": step_id, "kind": kind, "attempt": attempt, "due_at": due_at}
            self._store.connection.execute(sql(_HERE, "set_timer"), timer)
        return written


class SetsFurtherTimersLater(BrokenV2):
    """Sets one timer in the commit of a pause, and the others when that is done."""

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        self.writer = _OneTimerACommit(self.store, self.clock, self.lines, self.owner)


class _UsesFirst(Writer):
    def _write(
        self, statements: Statements, run: ExecutionRun, held: Sequence[str], landed: Callable[[int], bool]
    ) -> bool:
        for signal_id, _, _, step_id in run.delta.signals.values():
            if step_id is not None:
                used = {"id": run.execution_id, "signal": signal_id, "step": step_id}
                self._store.connection.execute(sql(_HERE, "use_signal"), used)
        return super()._write(statements, run, held, landed)


class UsesSignalsBeforehand(BrokenV2):
    """Marks a kept signal as used before the commit of the wait that uses it, whoever has the execution by then."""

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        self.writer = _UsesFirst(self.store, self.clock, self.lines, self.owner)
