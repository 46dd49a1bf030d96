"""V2 with a bug: parts of its code replaced for as long as one of its commands runs. Does I/O as V2 does."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from cutover.engines.api import ActivityCall, ActivityNode, ExecutionRequest, Signal
from cutover.engines.payloads import decode
from cutover.engines.v2.orchestrator import OrchestratorV2
from cutover.engines.v2.planner import Step
from cutover.engines.v2.run import ExecutionRun
from cutover.harness.mutants.patching import Patch, patched

__all__ = ["BrokenV2"]


class BrokenV2(OrchestratorV2):
    """The base of all broken engines; without patches it is V2 itself."""

    def patches(self) -> Iterable[Patch]:
        """What is replaced while a command runs. One thread uses one engine at a time, so nothing else sees it."""
        return ()

    def execute(self, request: ExecutionRequest) -> None:
        """As V2, with the bug."""
        with patched(self.patches()):
            super().execute(request)

    def resume(self, execution_id: UUID, signal: Signal | None = None) -> None:
        """As V2, with the bug."""
        with patched(self.patches()):
            super().resume(execution_id, signal)

    def cancel(self, execution_id: UUID) -> None:
        """As V2, with the bug."""
        with patched(self.patches()):
            super().cancel(execution_id)

    def call_of(self, run: ExecutionRun, step: Step) -> ActivityCall:
        """What V2 would ask the world for this step."""
        assert isinstance(step.node, ActivityNode)  # noqa: S101 - only these have attempts
        return ActivityCall(
            execution_id=run.execution_id,
            step_id=step.step_id,
            activity=step.node.activity,
            attempt=step.attempt,
            idempotency_key=self.idempotency_key(run.execution_id, step.step_id),
            input=decode(step.given or "null"),
        )
