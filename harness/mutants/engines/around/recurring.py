"""Engines that take what comes again, or comes late, for something else than it is."""

from __future__ import annotations

import json
from uuid import UUID

from cutover.engines.api import ActivityNode, ExecutionRequest
from cutover.engines.errors import ActivityError
from cutover.engines.payloads import encode
from cutover.engines.sqlfiles import sql
from cutover.engines.v2 import graph, retry
from cutover.engines.v2.planner import Step
from cutover.engines.v2.run import ExecutionRun
from cutover.harness.mutants.engines.broken import BrokenV2

__all__ = [
    "BeginsAtOnce",
    "CountsFromTheDrive",
    "DatesItsKeys",
    "ForgetsKeptAtInstall",
    "ForgetsTimersAtInstall",
    "ForgetsUsedAtInstall",
    "OverwritesMetadata",
    "OverwritesRequests",
]

_HERE = "cutover.harness.mutants.engines"


class OverwritesRequests(BrokenV2):
    """Goes on with the request that came last."""

    def execute(self, request: ExecutionRequest) -> None:
        """As V2, once the execution has the newer request."""
        self.store.connection.execute(
            sql(_HERE, "overwrite_request"),
            {
                "id": request.execution_id,
                "input": encode(request.input),
                "definition": graph.dump(request.workflow),
            },
        )
        super().execute(request)


class OverwritesMetadata(BrokenV2):
    """Keeps the metadata of the request that came last."""

    def execute(self, request: ExecutionRequest) -> None:
        """As V2, once the execution has the newer metadata."""
        newer = {"id": request.execution_id, "metadata": json.dumps(dict(request.metadata))}
        self.store.connection.execute(sql(_HERE, "overwrite_metadata"), newer)
        super().execute(request)


class ForgetsUsedAtInstall(BrokenV2):
    """Takes signals that have been used for rubbish, and tidies up when it is installed."""

    statement = "purge_used_signals"

    def install(self) -> None:
        """As V2, and tidies up."""
        super().install()
        self.store.connection.execute(sql(_HERE, self.statement))


class ForgetsKeptAtInstall(ForgetsUsedAtInstall):
    """Takes signals that nobody has used for rubbish."""

    statement = "purge_kept_signals"


class ForgetsTimersAtInstall(ForgetsUsedAtInstall):
    """Takes timers that are not up for rubbish."""

    statement = "purge_timers"


class CountsFromTheDrive(BrokenV2):
    """Looks at its clock as it takes an execution, and takes that for now as long as it has it."""

    def go_on(self, run: ExecutionRun, step: Step | None) -> None:
        """As V2, by the time of its beginning."""
        began = self.clock.now()
        while True:
            if run.delta:
                self.writer.commit(run)
            if run.status != "running" or run.paused:
                if not run.released:
                    self.claims.release(run.execution_id, run.epoch)
                return
            if step is not None:
                self.work(run, step)
            step = run.advance(began)


class DatesItsKeys(BrokenV2):
    """Has the day in its idempotency keys."""

    def idempotency_key(self, execution_id: UUID, step_id: str) -> str | None:
        """As V2's, of this day."""
        return f"{super().idempotency_key(execution_id, step_id)}:{self.clock.now():%Y%m%d}"


class BeginsAtOnce(BrokenV2):
    """Makes another attempt without a commit before it where there is no pause between them."""

    def failed(self, run: ExecutionRun, step: Step, node: ActivityNode, error: ActivityError) -> None:
        """As V2, and goes on where the next attempt is due."""
        super().failed(run, step, node, error)
        if step.status == "retrying" and not retry.delay_ms(node.retry, step.attempt, run.execution_id, step.step_id):
            run.start_attempt(step, self.clock.now())
            self.attempt(run, step)
