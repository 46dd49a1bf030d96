"""Engines whose steps and pauses are too dear, or dearer the longer they run."""

from __future__ import annotations

from collections import Counter
from typing import Any
from uuid import UUID

from cutover.engines.api import ActivityNode, ActivityResult, EngineContext, ExecutionRequest
from cutover.engines.errors import ActivityError
from cutover.engines.sqlfiles import sql
from cutover.engines.v2.planner import Step
from cutover.engines.v2.run import ExecutionRun
from cutover.harness.mutants.engines.broken import BrokenV2

__all__ = [
    "AsksThreeTimes",
    "AsksWithEachExecution",
    "AsksWithEachStep",
    "ConnectsEachStep",
    "CountsExecutions",
    "PollsAtPause",
    "PollsBeforeRetries",
    "ReadsOutputsBack",
    "RereadsItsRows",
    "ScansExecutions",
    "SendsAllAgain",
    "StagesOutputs",
]

_HERE = "cutover.harness.mutants.engines"


class _Costly(BrokenV2):
    """V2 with something more to ask of the database."""

    def tell(self, name: str, **parameters: Any) -> Any:
        """Sends one more statement; returns its first row."""
        return self.store.connection.execute(sql(_HERE, name), parameters).fetchone()

    def probe(self, run: ExecutionRun, times: int) -> None:
        """Asks where the execution is, so many times."""
        for _ in range(times):
            self.store.run("probe", {"id": run.execution_id})


class RereadsItsRows(_Costly):
    """Reads all that it has written of the execution before each attempt."""

    def attempt(self, run: ExecutionRun, step: Step) -> None:
        """As V2, once it has all rows again."""
        self.store.run("load", {"id": run.execution_id})
        super().attempt(run, step)


class AsksThreeTimes(_Costly):
    """Makes three round trips of each step."""

    def attempt(self, run: ExecutionRun, step: Step) -> None:
        """As V2, once it is sure where it is."""
        self.probe(run, 2)
        super().attempt(run, step)


class AsksWithEachStep(_Costly):
    """Makes one more round trip for every twenty steps that an execution has had."""

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        self.steps: Counter[UUID] = Counter()

    def attempt(self, run: ExecutionRun, step: Step) -> None:
        """As V2, dearer each time."""
        self.probe(run, self.steps[run.execution_id] // 20)
        self.steps[run.execution_id] += 1
        super().attempt(run, step)


class SendsAllAgain(AsksWithEachStep):
    """Sends something for every step that the execution has had, in one statement."""

    def attempt(self, run: ExecutionRun, step: Step) -> None:
        """As V2, with more to send each time."""
        self.tell("spend", text="x" * 40 * self.steps[run.execution_id])
        self.steps[run.execution_id] += 1
        BrokenV2.attempt(self, run, step)


class AsksWithEachExecution(_Costly):
    """Makes one more round trip for every ten executions that this worker has served."""

    served = 0

    def execute(self, request: ExecutionRequest) -> None:
        """As V2, dearer each time."""
        super().execute(request)
        self.served += 1
        for _ in range(self.served // 10):
            self.store.run("probe", {"id": request.execution_id})


class CountsExecutions(_Costly):
    """Counts all executions at each step, by an index."""

    def attempt(self, run: ExecutionRun, step: Step) -> None:
        """As V2, once it knows how many there are."""
        self.tell("count_executions")
        super().attempt(run, step)


class ScansExecutions(_Costly):
    """Reads the whole table of executions at each step."""

    def attempt(self, run: ExecutionRun, step: Step) -> None:
        """As V2, once it has looked at all of them."""
        self.tell("scan_executions")
        super().attempt(run, step)


class ConnectsEachStep(_Costly):
    """Opens a new connection for each step."""

    def attempt(self, run: ExecutionRun, step: Step) -> None:
        """As V2, without a connection."""
        self.store.close()
        super().attempt(run, step)


class StagesOutputs(_Costly):
    """Sends each output six times more than it must."""

    def succeeded(self, run: ExecutionRun, step: Step, result: ActivityResult) -> None:
        """As V2, once the output has been about."""
        self.tell("spend", text=str(result.output) * 6)
        super().succeeded(run, step, result)


class ReadsOutputsBack(_Costly):
    """Reads all outputs of the execution each time that it has another."""

    def succeeded(self, run: ExecutionRun, step: Step, result: ActivityResult) -> None:
        """As V2, once it has seen the others."""
        self.tell("outputs", id=run.execution_id)
        super().succeeded(run, step, result)


class PollsAtPause(_Costly):
    """Asks two hundred times, before it lets a pause be one, whether there is something to do."""

    def go_on(self, run: ExecutionRun, step: Step | None) -> None:
        """As V2, and looks about."""
        super().go_on(run, step)
        if run.paused:
            self.probe(run, 200)


class PollsBeforeRetries(_Costly):
    """Asks fifty times before each further attempt."""

    def failed(self, run: ExecutionRun, step: Step, node: ActivityNode, error: ActivityError) -> None:
        """As V2, and looks about."""
        super().failed(run, step, node, error)
        self.probe(run, 50)
