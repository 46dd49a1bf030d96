"""Engines that return to an execution and take what was settled long before for new. Does I/O as V2 does."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from cutover.engines.api import LoopNode
from cutover.engines.sqlfiles import sql
from cutover.engines.v2.recovery import Claimed, Rows
from cutover.engines.v2.run import ExecutionRun
from cutover.harness.mutants.engines.broken import BrokenV2

__all__ = ["CountsIterationsAnew", "CountsThePaused", "DatesTheStartAnew", "TakesThemByName"]

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
