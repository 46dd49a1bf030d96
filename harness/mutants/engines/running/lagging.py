"""Engines that are right and late: what they do is V2's, and some of it takes far too long. Does I/O as V2 does."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from uuid import UUID

from cutover.engines.api import ActivityResult, ExecutionRequest
from cutover.engines.v2.planner import Step
from cutover.engines.v2.run import ExecutionRun
from cutover.harness.mutants.engines.broken import BrokenV2

__all__ = ["DragsOneWorkflow", "StallsNowAndThen", "WaitsForOthers"]

_OFTEN: Final = 3
"""One execution in so many is late; by its id, so that a run can be repeated."""


@contextmanager
def _drawn_out(times: float) -> Iterator[None]:
    """Makes the block take so many times as long as it would."""
    began = time.perf_counter()
    yield
    time.sleep((times - 1) * (time.perf_counter() - began))


def _late(execution_id: UUID) -> bool:
    return execution_id.int % _OFTEN == 0


class StallsNowAndThen(BrokenV2):
    """Takes thirty times as long over one execution in three."""

    def execute(self, request: ExecutionRequest) -> None:
        """As V2, drawn out."""
        with _drawn_out(30 if _late(request.execution_id) else 1):
            super().execute(request)


class WaitsForOthers(BrokenV2):
    """Holds one execution in three up at its first activity, as by a lock that somebody else has."""

    def succeeded(self, run: ExecutionRun, step: Step, result: ActivityResult) -> None:
        """As V2, after a while that is many times what a commit takes."""
        if _late(run.execution_id) and run.sequence < _EARLY:
            time.sleep(_LOCKED_S)
        super().succeeded(run, step, result)


_EARLY, _LOCKED_S = 6, 0.8


class DragsOneWorkflow(BrokenV2):
    """Takes forty times as long over every execution of a workflow with a join; both arms of a trial are late alike."""

    def execute(self, request: ExecutionRequest) -> None:
        """As V2, drawn out."""
        joins = any(node.kind == "join" for node in request.workflow.nodes)
        with _drawn_out(40 if joins else 1):
            super().execute(request)
