"""Engines whose checkpoints, metrics or payloads are not what they should be."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from uuid import UUID

from cutover.engines.api import ActivityResult, EngineContext, ExecutionRequest, JsonText, Signal
from cutover.engines.payloads import decode, encode
from cutover.engines.sqlfiles import sql
from cutover.engines.v2 import checkpoints, orchestrator, recovery
from cutover.engines.v2.delta import Delta
from cutover.engines.v2.planner import Frame, Step
from cutover.engines.v2.recovery import Rows
from cutover.engines.v2.run import ExecutionRun
from cutover.engines.v2.writer import Statements
from cutover.harness.mutants.engines.broken import BrokenV2
from cutover.harness.mutants.patching import Patch

__all__ = [
    "AliasesLiveState",
    "CutsLongTexts",
    "FloatsIntegers",
    "LatestByClientClock",
    "RewritesHistory",
    "SecondsForMilliseconds",
    "SkipsVersions",
    "StripsNul",
]

HERE = "cutover.harness.mutants.engines"


class SkipsVersions(BrokenV2):
    """Leaves out every second version of a checkpoint."""

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        hold = sql("cutover.engines.v2", "hold").replace("checkpoint_version + 1", "checkpoint_version + 2")
        self.writer._next = Statements("next", hold)

    def patches(self) -> tuple[Patch, ...]:
        """The number after the newest."""
        return ((checkpoints, "next_version", lambda newest: newest + 2 if newest else 1),)


class AliasesLiveState(BrokenV2):
    """Keeps the first checkpoint's dictionary and changes it as steps go on, so later ones say what it says then."""

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        self.live: dict[str, Step] = {}

    def execute(self, request: ExecutionRequest) -> None:
        """As V2, from an empty dictionary."""
        self.live.clear()
        super().execute(request)

    def resume(self, execution_id: UUID, signal: Signal | None = None) -> None:
        """As V2, from an empty dictionary."""
        self.live.clear()
        super().resume(execution_id, signal)

    def patches(self) -> tuple[Patch, ...]:
        """What a checkpoint says."""

        def state(delta: Delta) -> JsonText:
            if not self.live:
                self.live.update(delta.steps)
            return _state(self.live)

        return ((Delta, "state", state),)


class RewritesHistory(BrokenV2):
    """Writes every step so far into every checkpoint."""

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        self.history: dict[UUID, dict[str, Step]] = {}

    def go_on(self, run: ExecutionRun, step: Step | None) -> None:
        """As V2, with a history that grows."""
        self.history.setdefault(run.execution_id, {})
        super().go_on(run, step)

    def patches(self) -> tuple[Patch, ...]:
        """What a checkpoint says."""

        def state(delta: Delta) -> JsonText:
            whole = next(reversed(self.history.values()), {})
            whole.update(delta.steps)
            return _state(whole)

        return ((Delta, "state", state),)


class LatestByClientClock(BrokenV2):
    """Takes for the newest checkpoint the one with the latest time by the worker's clock, and forgets the others."""

    def patches(self) -> tuple[Patch, ...]:
        """What a checkpoint notes, and which one recovery goes by."""
        metadata, restore_frame = checkpoints.metadata, recovery._restore_frame

        def noting(before_ms: float | None, problem: str | None) -> JsonText:
            return json.dumps(json.loads(metadata(before_ms, problem)) | {"noted_at": self.clock.now().isoformat()})

        def reduced(run: ExecutionRun, frame: Frame, rows: Rows) -> None:
            restore_frame(run, frame, self._as_of_the_latest(run.execution_id, rows))

        return ((checkpoints, "metadata", noting), (recovery, "_restore_frame", reduced))

    def _as_of_the_latest(self, execution_id: UUID, rows: Rows) -> Rows:
        found = self.store.connection.execute(sql(HERE, "latest"), {"id": execution_id}).fetchone()
        fold: dict[str, dict[str, str]] = {}
        for row in rows.checkpoints:
            if found is not None and row.version <= found[0]:
                fold.update(json.loads(row.state))
        kept = {step_id: rows.steps[step_id]._replace(status=part["status"]) for step_id, part in fold.items()}
        return rows._replace(steps=kept)


class SecondsForMilliseconds(BrokenV2):
    """Measures in seconds what the column calls milliseconds."""

    def patches(self) -> tuple[Patch, ...]:
        """The stop watch."""
        original = orchestrator._ms_since
        return ((orchestrator, "_ms_since", lambda began: original(began) / 1_000),)


class StripsNul(BrokenV2):
    """Takes NUL out of payloads, as Postgres wants it in text."""

    def succeeded(self, run: ExecutionRun, step: Step, result: ActivityResult) -> None:
        """As V2, with a payload made to fit."""
        text = encode(result.output).replace("\\u0000", "")
        super().succeeded(run, step, replace(result, output=decode(text)))


class CutsLongTexts(BrokenV2):
    """Keeps what a column of 65,535 bytes can hold."""

    def succeeded(self, run: ExecutionRun, step: Step, result: ActivityResult) -> None:
        """As V2, with texts cut off."""
        output = result.output
        if isinstance(output, dict):
            output = {key: value[:65_535] if isinstance(value, str) else value for key, value in output.items()}
        super().succeeded(run, step, replace(result, output=output))


class FloatsIntegers(BrokenV2):
    """Reads every number as a float, as JavaScript does."""

    def succeeded(self, run: ExecutionRun, step: Step, result: ActivityResult) -> None:
        """As V2, with the numbers that are left."""
        read = partial(json.loads, parse_int=float)
        super().succeeded(run, step, replace(result, output=read(encode(result.output))))


def _state(steps: dict[str, Step]) -> JsonText:
    return "{" + ",".join(checkpoints.entry(s.key, s.status, s.attempt, s.output) for s in steps.values()) + "}"
