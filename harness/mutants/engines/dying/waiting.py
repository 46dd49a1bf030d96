"""Engines that lose, or move, what an execution waits for; that miscount or mistime attempts; that keep a lease."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from cutover.engines.api import ActivityNode, EngineContext, RetryPolicy, Signal, WaitNode
from cutover.engines.errors import ActivityError
from cutover.engines.sqlfiles import sql
from cutover.engines.v2 import retry
from cutover.engines.v2.lease import Renewer
from cutover.engines.v2.planner import Step
from cutover.engines.v2.recovery import Claimed, Rows
from cutover.engines.v2.run import ExecutionRun
from cutover.harness.mutants.engines.broken import BrokenV2
from cutover.harness.mutants.patching import Patch

__all__ = [
    "AttemptsReset",
    "AttemptsRolledBack",
    "BacksOffAnew",
    "ConstantBackoff",
    "ForgetsTheBackoff",
    "ForgivesTheRedelivered",
    "KeepsTimersInMemory",
    "RenewsOften",
    "RestartsTimers",
    "RetriesTheFinal",
    "WaitsHalfTheTime",
    "WakesByNotify",
]

HERE = "cutover.harness.mutants.engines"


class _Remembering(BrokenV2):
    """Knows which executions this process has brought to a pause."""

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        self.mine: set[UUID] = set()

    def go_on(self, run: ExecutionRun, step: Step | None) -> None:
        """As V2, and remembers."""
        super().go_on(run, step)
        self.mine.add(run.execution_id)


class RestartsTimers(_Remembering):
    """Lets the time of a wait begin anew when another worker takes the execution over."""

    def restore(self, execution_id: UUID, claimed: Claimed) -> tuple[ExecutionRun, Rows]:
        """As V2, with later deadlines."""
        run, rows = super().restore(execution_id, claimed)
        for step in run.open.values() if execution_id not in self.mine else ():
            if isinstance(step.node, WaitNode) and step.node.timeout_ms is not None and step.due_at is not None:
                step.due_at = self.clock.now() + timedelta(milliseconds=step.node.timeout_ms)
                moved = {"id": execution_id, "step_id": step.step_id, "due_at": step.due_at}
                self.store.connection.execute(sql(HERE, "move_timer"), moved)
        return run, rows


class KeepsTimersInMemory(_Remembering):
    """Trusts in the process that set a timer, and clears away those of others."""

    def restore(self, execution_id: UUID, claimed: Claimed) -> tuple[ExecutionRun, Rows]:
        """As V2, without the timers that another process had set."""
        run, rows = super().restore(execution_id, claimed)
        if execution_id not in self.mine:
            self.store.connection.execute(sql(HERE, "drop_timers"), {"id": execution_id})
            for step in run.open.values():
                step.due_at = None
        return run, rows


class BacksOffAnew(BrokenV2):
    """Lets the pause before an attempt begin anew after a crash, whatever the timer's row says."""

    def restore(self, execution_id: UUID, claimed: Claimed) -> tuple[ExecutionRun, Rows]:
        """As V2, with another deadline in memory."""
        run, rows = super().restore(execution_id, claimed)
        step = run.active
        if step is not None and step.status == "retrying" and isinstance(step.node, ActivityNode):
            delay = retry.delay_ms(step.node.retry, step.attempt, execution_id, step.step_id)
            step.due_at = retry.due_at(self.clock.now(), delay)
        return run, rows


class WaitsHalfTheTime(BrokenV2):
    """Takes a wait for over after half its time."""

    def patches(self) -> tuple[Patch, ...]:
        """How a wait begins."""
        original = ExecutionRun._pause

        def pause(run: ExecutionRun, step: Step, now: datetime) -> None:
            timeout_ms = step.node.timeout_ms if isinstance(step.node, WaitNode) else None
            original(run, step, now - timedelta(milliseconds=(timeout_ms or 0) / 2))

        return ((ExecutionRun, "_pause", pause),)


class ForgetsTheBackoff(BrokenV2):
    """Makes the next attempt at once where another worker was to wait for it."""

    def restore(self, execution_id: UUID, claimed: Claimed) -> tuple[ExecutionRun, Rows]:
        """As V2, with a deadline that is over."""
        run, rows = super().restore(execution_id, claimed)
        step = run.active
        if step is not None and step.status == "retrying":
            step.due_at = self.clock.now()
        return run, rows


class WakesByNotify(_Remembering):
    """Hands a signal to whoever listens, and keeps it nowhere."""

    def resume(self, execution_id: UUID, signal: Signal | None = None) -> None:
        """As V2 where this process listens; else the signal is only announced."""
        if signal is None or execution_id in self.mine:
            super().resume(execution_id, signal)
        else:
            self.store.connection.execute("SELECT pg_notify('workflow_signals', %s)", (str(execution_id),))


class RenewsOften(BrokenV2):
    """Sound: V2 with a lease that is renewed often enough for a harness in which time runs fast."""

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        self.renewer = Renewer(context.dsn, context.clock, every_s=0.05)


class ConstantBackoff(BrokenV2):
    """Waits the initial delay before every retry."""

    def patches(self) -> tuple[Patch, ...]:
        """The delay."""

        def constant(policy: RetryPolicy, _attempt: int, _execution_id: UUID, _step_id: str) -> float:
            return float(policy.initial_ms)

        return ((retry, "delay_ms", constant),)


class RetriesTheFinal(BrokenV2):
    """Tries again what the world has called final."""

    def patches(self) -> tuple[Patch, ...]:
        """Who may retry."""

        def always(policy: RetryPolicy, attempt: int, *, retryable: bool) -> bool:
            del retryable
            return attempt <= policy.max_retries

        return ((retry, "may_retry", always),)


class AttemptsRolledBack(BrokenV2):
    """Counts an attempt in the transaction of the try, so that a failed try takes the count back with it."""

    def failed(self, run: ExecutionRun, step: Step, node: ActivityNode, error: ActivityError) -> None:
        """As V2, with the count taken back."""
        tries: dict[str, int] = self.__dict__.setdefault("tries", {})
        tries[step.step_id] = tries.get(step.step_id, 0) + 1
        step.attempt = tries[step.step_id]
        super().failed(run, step, node, error)
        if step.status == "retrying":
            step.attempt = 0


class AttemptsReset(BrokenV2):
    """Counts attempts from 1 again after a crash."""

    def restore(self, execution_id: UUID, claimed: Claimed) -> tuple[ExecutionRun, Rows]:
        """As V2, with the count of a fresh worker."""
        run, rows = super().restore(execution_id, claimed)
        if run.active is not None:
            run.active.attempt = 1 if run.active.status == "running" else 0
        return run, rows


class ForgivesTheRedelivered(BrokenV2):
    """Does not count the failure of an attempt that it makes once more after a crash."""

    def restore(self, execution_id: UUID, claimed: Claimed) -> tuple[ExecutionRun, Rows]:
        """As V2, and notes what was under way."""
        run, rows = super().restore(execution_id, claimed)
        if run.active is not None and run.active.status == "running":
            self.__dict__["forgiven"] = run.active.step_id
        return run, rows

    def failed(self, run: ExecutionRun, step: Step, node: ActivityNode, error: ActivityError) -> None:
        """As V2, of one attempt fewer."""
        if self.__dict__.pop("forgiven", None) == step.step_id:
            step.attempt -= 1
        super().failed(run, step, node, error)
