"""Engines that mix up whose an execution is, what time it is, what runs beside it, and what belongs into a log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, ClassVar, Final
from uuid import UUID, uuid5

from cutover.engines.api import (
    Activities,
    ActivityCall,
    ActivityResult,
    EngineContext,
    ExecutionRequest,
    Journal,
    JsonText,
)
from cutover.engines.payloads import decode, encode
from cutover.engines.sqlfiles import sql
from cutover.engines.v2 import graph, recovery
from cutover.engines.v2.graph import Graph
from cutover.engines.v2.lease import Claims
from cutover.engines.v2.planner import Step
from cutover.engines.v2.recovery import Claimed, Rows
from cutover.engines.v2.run import ExecutionRun
from cutover.harness.mutants.engines.broken import BrokenV2
from cutover.harness.mutants.patching import Patch

__all__ = [
    "AnswersForTheInner",
    "DatesLocally",
    "GivesTheOuterInput",
    "LogsAnswers",
    "LogsInputs",
    "LosesMetadata",
    "NamesAnother",
    "NamesTheFirst",
    "OverAfterHalfAMinute",
    "ShortKeys",
    "SpeaksLocalTime",
    "TakesTheNewestDefinition",
    "ThreeHoursOff",
    "TitlesMetadata",
]

HERE = "cutover.harness.mutants.engines"


class _Renamed:
    """Activities that are called in another execution's name."""

    def __init__(self, activities: Activities, named: Callable[[UUID], UUID]) -> None:
        self._activities, self._named = activities, named

    def call(self, call: ActivityCall) -> ActivityResult:
        """Calls in the other name."""
        return self._activities.call(replace(call, execution_id=self._named(call.execution_id)))


class NamesAnother(BrokenV2):
    """Calls activities in the name of an execution that is not there."""

    def __init__(self, context: EngineContext) -> None:
        super().__init__(replace(context, activities=_Renamed(context.activities, lambda own: uuid5(own, "another"))))


class NamesTheFirst(BrokenV2):
    """Calls activities in the name of the execution that it ran first."""

    def __init__(self, context: EngineContext) -> None:
        first: list[UUID] = []

        def named(own: UUID) -> UUID:
            first.append(own)
            return first[0]

        super().__init__(replace(context, activities=_Renamed(context.activities, named)))


class ShortKeys(BrokenV2):
    """Makes keys of two hex digits: what one of four does in a run, it does in a few executions."""

    def idempotency_key(self, execution_id: UUID, step_id: str) -> str | None:
        """Two digits."""
        return sha256(f"{execution_id}:{step_id}".encode()).hexdigest()[:2]


class LosesMetadata(BrokenV2):
    """Starts executions without what the request says of them."""

    def execute(self, request: ExecutionRequest) -> None:
        """As V2, for a request that says nothing."""
        super().execute(replace(request, metadata={}))


class TitlesMetadata(BrokenV2):
    """Takes the names in metadata for those of headers, in which case does not count."""

    def execute(self, request: ExecutionRequest) -> None:
        """As V2, with names in lower case."""
        super().execute(replace(request, metadata={name.lower(): value for name, value in request.metadata.items()}))


class TakesTheNewestDefinition(BrokenV2):
    """Goes on by the newest definition of the workflow's id, not by the execution's own."""

    def restore(self, execution_id: UUID, claimed: Claimed) -> tuple[ExecutionRun, Rows]:
        """As V2, by another definition."""
        found = self.store.connection.execute(sql(HERE, "newest_definition"), {"id": execution_id}).fetchone()
        definition: JsonText = claimed.definition if found is None else found[0]
        rows = recovery.read_rows(self.store.run("load", {"id": execution_id}))
        return recovery.restore(execution_id, claimed, Graph(graph.load(definition)), rows), rows


_OFF: Final = timedelta(hours=3)


class ThreeHoursOff(BrokenV2):
    """Dates its rows three hours back, as one does that takes a time in Brazil for UTC."""

    def journal(self, execution_id: UUID) -> Journal:
        """As V2, earlier."""
        found = super().journal(execution_id)
        return replace(
            found,
            execution=replace(
                found.execution,
                created_at=found.execution.created_at - _OFF,
                started_at=_earlier(found.execution.started_at),
                finished_at=_earlier(found.execution.finished_at),
            ),
            steps=tuple(
                replace(row, started_at=_earlier(row.started_at), finished_at=_earlier(row.finished_at))
                for row in found.steps
            ),
            events=tuple(replace(row, at=row.at - _OFF) for row in found.events),
            checkpoints=tuple(replace(row, created_at=row.created_at - _OFF) for row in found.checkpoints),
            metrics=tuple(replace(row, recorded_at=row.recorded_at - _OFF) for row in found.metrics),
        )


class DatesLocally(BrokenV2):
    """Notes in the database's local time when an execution began."""

    def go_on(self, run: ExecutionRun, step: Step | None) -> None:
        """As V2, and dates it anew."""
        super().go_on(run, step)
        if run.version < _FEW:
            self.store.connection.execute(sql(HERE, "local_times"), {"id": run.execution_id})


_FEW: Final = 1_000


class _LooksAhead(BrokenV2):
    """V2 that sees another time where it looks whether a wait is over; what it notes is right."""

    def ahead(self, now: datetime) -> datetime:
        """The time by which it decides."""
        return now

    def patches(self) -> tuple[Patch, ...]:
        """Which wait is over, and whether there is one."""
        overdue, terms = ExecutionRun._overdue, Claims.terms

        def looked_ahead(run: ExecutionRun, now: datetime) -> Step | None:
            return overdue(run, self.ahead(now))

        def asked_ahead(claims: Claims, execution_id: UUID, signal_id: str | None, *, force: bool) -> dict[str, Any]:
            wanted = terms(claims, execution_id, signal_id, force=force)
            return {**wanted, "now": self.ahead(wanted["now"])}

        return ((ExecutionRun, "_overdue", looked_ahead), (Claims, "terms", asked_ahead))


class OverAfterHalfAMinute(_LooksAhead):
    """Takes any wait for over that it looks after half a minute after the start, and notes its deadline rightly."""

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        self.began: datetime | None = None

    def ahead(self, now: datetime) -> datetime:
        """Far ahead, half a minute after it looked first."""
        self.began = self.began or now
        return now + _AGES if now - self.began > _HALF_A_MINUTE else now


_HALF_A_MINUTE: Final = timedelta(seconds=30)
_AGES: Final = timedelta(days=400)


class SpeaksLocalTime(_LooksAhead):
    """Compares deadlines with local time, and takes that for UTC."""

    def ahead(self, now: datetime) -> datetime:
        """What the clock on the wall shows."""
        return now.astimezone().replace(tzinfo=now.tzinfo)


class LogsInputs(BrokenV2):
    """Logs what an activity is given."""

    def attempt(self, run: ExecutionRun, step: Step) -> None:
        """As V2, and says so."""
        self.lines.operation("CALL", run.execution_id, step.node.id, level="debug", given=decode(step.given or "null"))
        super().attempt(run, step)


class LogsAnswers(BrokenV2):
    """Logs what an activity answers, as text in text."""

    def succeeded(self, run: ExecutionRun, step: Step, result: ActivityResult) -> None:
        """As V2, and says so."""
        self.lines.operation(
            "ANSWER", run.execution_id, step.node.id, message=f"{step.step_id}: {encode(result.output)}"
        )
        super().succeeded(run, step, result)


class _Nesting(BrokenV2):
    """Knows the steps inside whose activities this process runs others."""

    inside: ClassVar[list[Step]] = []

    def attempt(self, run: ExecutionRun, step: Step) -> None:
        """As V2, and remembers."""
        if self.inside and self.inside[-1].frame is not step.frame:
            self.nested(run, step, self.inside[-1])
            return
        self.inside.append(step)
        try:
            super().attempt(run, step)
        finally:
            self.inside.pop()

    def nested(self, run: ExecutionRun, step: Step, outer: Step) -> None:
        """Makes an attempt inside another execution's activity."""
        del outer
        super().attempt(run, step)


class GivesTheOuterInput(_Nesting):
    """Gives the activity of an inner execution what the outer one's is given."""

    def nested(self, run: ExecutionRun, step: Step, outer: Step) -> None:
        """As V2, with the outer's input."""
        own, step.given = step.given, outer.given
        try:
            BrokenV2.attempt(self, run, step)
        finally:
            step.given = own


class AnswersForTheInner(_Nesting):
    """Takes the activity of an inner execution for done."""

    def nested(self, run: ExecutionRun, step: Step, outer: Step) -> None:
        """Ends the step without asking anybody."""
        del outer
        run.complete(step, "null", ("out",))


def _earlier(at: datetime | None) -> datetime | None:
    return None if at is None else at - _OFF
