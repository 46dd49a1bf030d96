"""Engines that return to an execution and take what was settled long before for new. Does I/O as V2 does."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from cutover.engines.api import ActivityNode, EngineContext, LoopNode
from cutover.engines.errors import ActivityError
from cutover.engines.sqlfiles import sql
from cutover.engines.v2.planner import Step
from cutover.engines.v2.recovery import Claimed, Rows
from cutover.engines.v2.run import ExecutionRun
from cutover.harness.mutants.engines.broken import BrokenV2

__all__ = [
    "CountsIterationsAnew",
    "CountsThePaused",
    "DatesTheStartAnew",
    "ForgetsAskedTurns",
    "ForgetsFailedTurns",
    "GrantsOneMore",
    "TakesThemByName",
]

_HERE = "cutover.harness.mutants.engines"


class DatesTheStartAnew(BrokenV2):
    """Dates the beginning of an execution with each claim of it."""

    def restore(self, execution_id: UUID, claimed: Claimed) -> tuple[ExecutionRun, Rows]:
        """As V2, and dates the row."""
        self.store.connection.execute(sql(_HERE, "start_now"), {"id": execution_id})
        return super().restore(execution_id, claimed)


class TakesThemByName(BrokenV2):
    """Reads the ready nodes back from a table that it sorts by their ids."""

    def restore(self, execution_id: UUID, claimed: Claimed) -> tuple[ExecutionRun, Rows]:
        """As V2, with the ranks of ready nodes given out by name."""
        run, rows = super().restore(execution_id, claimed)
        ranks = sorted(rank for rank, _, _ in run.ready)
        nodes = sorted(
            ((frame.graph.nodes[index].id, index, frame) for _, index, frame in run.ready), key=lambda n: n[0]
        )
        run.ready[:] = [(rank, index, frame) for rank, (_, index, frame) in zip(ranks, nodes, strict=True)]
        return run, rows


class CountsIterationsAnew(BrokenV2):
    """Grants a loop all its iterations once more with each takeover."""

    def restore(self, execution_id: UUID, claimed: Claimed) -> tuple[ExecutionRun, Rows]:
        """As V2, with another limit."""
        run, rows = super().restore(execution_id, claimed)
        for step in run.open.values():
            if isinstance(step.node, LoopNode) and step.node.repeat:
                step.node = replace(step.node, max_iterations=step.node.max_iterations + step.iteration + 1)
        return run, rows


class CountsThePaused(BrokenV2):
    """Looks at each wake-up how many executions wait in all."""

    def restore(self, execution_id: UUID, claimed: Claimed) -> tuple[ExecutionRun, Rows]:
        """As V2, once it knows."""
        self.store.connection.execute(sql(_HERE, "count_paused"))
        return super().restore(execution_id, claimed)


class GrantsOneMore(BrokenV2):
    """Does not count the attempt that it makes anew after a takeover, so that one more is made in the end."""

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        self.returned: set[tuple[UUID, str]] = set()

    def restore(self, execution_id: UUID, claimed: Claimed) -> tuple[ExecutionRun, Rows]:
        """As V2, and remembers which attempt was under way."""
        run, rows = super().restore(execution_id, claimed)
        if run.active is not None and run.active.status == "running":
            self.returned.add((execution_id, run.active.step_id))
        return run, rows

    def failed(self, run: ExecutionRun, step: Step, node: ActivityNode, error: ActivityError) -> None:
        """As V2, with a wider policy."""
        if (run.execution_id, step.step_id) in self.returned:
            node = replace(node, retry=replace(node.retry, max_retries=node.retry.max_retries + 1))
        super().failed(run, step, node, error)


class ForgetsFailedTurns(BrokenV2):
    """Finds the results of a loop's turns that went well, and none of those that an error was let pass in."""

    def restore(self, execution_id: UUID, claimed: Claimed) -> tuple[ExecutionRun, Rows]:
        """As V2, with fewer results."""
        run, rows = super().restore(execution_id, claimed)
        failed = {step_id.rpartition("/")[0] for step_id, row in rows.steps.items() if row.status == "failed"}
        for step in run.open.values():
            own = enumerate(step.results)
            step.results = [result for turn, result in own if f"{step.step_id}[{turn}]" not in failed]
        return run, rows


class ForgetsAskedTurns(BrokenV2):
    """Keeps in memory alone that a turn of a loop has asked for another one."""

    def restore(self, execution_id: UUID, claimed: Claimed) -> tuple[ExecutionRun, Rows]:
        """As V2, as if no turn that is under way had asked."""
        run, rows = super().restore(execution_id, claimed)
        for step in run.open.values():
            step.frame.again.clear()
        return run, rows
