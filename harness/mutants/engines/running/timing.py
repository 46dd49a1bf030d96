"""Engines that measure what the contract counts from another moment. Does I/O as V2 does."""

from __future__ import annotations

from datetime import datetime

from cutover.engines.v2 import retry
from cutover.engines.v2.planner import Step
from cutover.engines.v2.run import ExecutionRun
from cutover.harness.mutants.engines.broken import BrokenV2
from cutover.harness.mutants.patching import Patch

__all__ = ["PausesFromTheCall"]


class PausesFromTheCall(BrokenV2):
    """Plans the next attempt when it begins one, and so leaves out of the pause what the attempt took."""

    def attempt(self, run: ExecutionRun, step: Step) -> None:
        """As V2, and remembers when."""
        self.called_at = self.clock.now()
        super().attempt(run, step)

    def patches(self) -> tuple[Patch, ...]:
        """When the next attempt is due."""
        original = retry.due_at

        def due_at(_now: datetime, delay: float) -> datetime:
            return original(self.called_at, delay)

        return ((retry, "due_at", due_at),)
