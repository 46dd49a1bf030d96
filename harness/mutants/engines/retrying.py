"""Engines that count or pace attempts wrongly."""

from __future__ import annotations

from uuid import UUID

from cutover.engines.api import ActivityNode, RetryPolicy
from cutover.engines.errors import ActivityError
from cutover.engines.v2 import retry
from cutover.engines.v2.planner import Step
from cutover.engines.v2.recovery import Claimed, Rows
from cutover.engines.v2.run import ExecutionRun
from cutover.harness.mutants.engines.broken import BrokenV2
from cutover.harness.mutants.patching import Patch

__all__ = ["AttemptsReset", "AttemptsRolledBack", "ConstantBackoff", "RetriesTheFinal"]


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
