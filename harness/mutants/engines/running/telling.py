"""Engines that do right and tell wrongly of it, in rows and lines that no outcome shows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from cutover.engines.api import EngineContext, ExecutionRequest, Journal, JsonText, LoopNode
from cutover.engines.sqlfiles import sql
from cutover.engines.v2 import checkpoints, writer
from cutover.engines.v2.delta import Delta
from cutover.engines.v2.events import Event
from cutover.engines.v2.lines import LogLines
from cutover.engines.v2.planner import Step
from cutover.engines.v2.run import ExecutionRun
from cutover.engines.v2.writer import Statements, Writer
from cutover.harness.mutants.engines.broken import BrokenV2
from cutover.harness.mutants.patching import Patch

__all__ = [
    "CheckpointsInSeconds",
    "CheckpointsOfNoNode",
    "FailsWithoutReason",
    "ForgetsInputs",
    "MetricsOfNoTime",
    "NoHistoryOfLoops",
    "NoMetricOfTheCancelled",
    "SignalsUnlogged",
    "StaysAtTheStart",
    "TellsOfEverySecond",
    "YesterdaysEvents",
]


class _OwnPart(BrokenV2):
    """V2 with another text in one of the parts of its statement."""

    part = ""
    changes: tuple[tuple[str, str], ...] = ()

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        self.writer._first = Statements(f"{type(self).__name__} first", sql("cutover.engines.v2", "hold_new"))
        self.writer._next = Statements(f"{type(self).__name__} next", sql("cutover.engines.v2", "hold"))

    def patches(self) -> tuple[Patch, ...]:
        """Where the statement takes its parts from."""

        def changed(package: str, name: str) -> str:
            text = sql(package, name)
            for old, new in self.changes if name == self.part else ():
                text = text.replace(old, new)
            return text

        return ((writer, "sql", changed),)


class YesterdaysEvents(_OwnPart):
    """Dates events a day back, where no dashboard looks for them."""

    part = "events"
    changes = (
        ("attempt, payload)", "attempt, payload, timestamp)"),
        ("r.payload::jsonb", "r.payload::jsonb, clock_timestamp() - interval '1 day'"),
    )


class CheckpointsOfNoNode(_OwnPart):
    """Leaves the checkpoint's node empty, by which failures are grouped."""

    part = "checkpoint"
    changes = (("held.version, %s,", "held.version, left(%s, 0),"),)


class MetricsOfNoTime(_OwnPart):
    """Dates metrics as 1970."""

    part = "metrics"
    changes = (
        ("orchestrator_version)", "orchestrator_version, recorded_at)"),
        ("r.orchestrator_version\n", "r.orchestrator_version, 'epoch'::timestamptz\n"),
    )


class ForgetsInputs(_OwnPart):
    """Clears a step's input away when the step goes on."""

    part = "steps"
    changes = (
        (
            "finished_at = excluded.finished_at",
            "finished_at = excluded.finished_at, input = NULL",
        ),
    )


class FailsWithoutReason(BrokenV2):
    """Fails an execution and does not say why."""

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        hold = sql("cutover.engines.v2", "hold").replace("error = %s,", "error = left(%s, 0),")
        self.writer._next = Statements("FailsWithoutReason", hold)


class StaysAtTheStart(BrokenV2):
    """Never moves the execution's current node."""

    def patches(self) -> tuple[Patch, ...]:
        """What a commit takes for the current node."""
        original = Writer._write

        def write(
            writer: Writer,
            statements: Statements,
            run: ExecutionRun,
            held: Sequence[str],
            landed: Callable[[int], bool],
        ) -> bool:
            run.node_id = run.top.graph.nodes[run.top.graph.start].id
            return original(writer, statements, run, held, landed)

        return ((Writer, "_write", write),)


class CheckpointsInSeconds(BrokenV2):
    """Measures commits in seconds."""

    def patches(self) -> tuple[Patch, ...]:
        """What a checkpoint says of the one before it."""
        return _telling(lambda before_ms: before_ms / 1_000)


class TellsOfEverySecond(BrokenV2):
    """Leaves out what every second commit took, such as the slow ones."""

    def patches(self) -> tuple[Patch, ...]:
        """What a checkpoint says of the one before it."""
        told: list[float] = []

        def thinned(before_ms: float) -> float | None:
            told.append(before_ms)
            return before_ms if len(told) % 2 else None

        return _telling(thinned)


class SignalsUnlogged(BrokenV2):
    """Logs transitions alone."""

    def patches(self) -> tuple[Patch, ...]:
        """The lines of a commit."""
        original = LogLines.of

        def of(lines: LogLines, execution_id: UUID, entries: Iterable[Event], at: datetime) -> list[str]:
            return original(lines, execution_id, [entry for entry in entries if entry.from_state is not None], at)

        return ((LogLines, "of", of),)


class NoMetricOfTheCancelled(BrokenV2):
    """Measures what ended by itself."""

    def patches(self) -> tuple[Patch, ...]:
        """The metrics of a commit."""
        original = Delta.metric

        def metric(delta: Delta, step: Step, status: str) -> None:
            if status != "cancelled":
                original(delta, step, status)

        return ((Delta, "metric", metric),)


class NoHistoryOfLoops(BrokenV2):
    """Keeps no history of workflows with a loop, as an engine does that leaves them to an older one."""

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        self.bare: set[UUID] = set()

    def execute(self, request: ExecutionRequest) -> None:
        """As V2, and remembers which have a loop."""
        if any(isinstance(node, LoopNode) for node in request.workflow.nodes):
            self.bare.add(request.execution_id)
        super().execute(request)

    def journal(self, execution_id: UUID) -> Journal:
        """As V2, or the rows alone."""
        found = super().journal(execution_id)
        if execution_id not in self.bare:
            return found
        return Journal(execution=replace(found.execution, version=0), steps=found.steps)

    def patches(self) -> tuple[Patch, ...]:
        """No lines either."""
        return ((LogLines, "say", lambda _lines, _said: None), (LogLines, "operation", lambda *_what, **_more: None))


def _telling(change: Callable[[float], float | None]) -> tuple[Patch, ...]:
    original = checkpoints.metadata

    def metadata(before_ms: float | None, problem: str | None) -> JsonText:
        return original(None if before_ms is None else change(before_ms), problem)

    return ((checkpoints, "metadata", metadata),)
