"""Engines that go wrong around the effect of a step, or around the crash beside it."""

from __future__ import annotations

import re
import zlib
from contextlib import suppress
from dataclasses import replace
from typing import ClassVar, Final
from uuid import UUID

from cutover.engines.api import ActivityNode, ActivityResult, JsonText
from cutover.engines.errors import ActivityError
from cutover.engines.payloads import decode
from cutover.engines.v2 import recovery
from cutover.engines.v2.planner import Frame, Step
from cutover.engines.v2.recovery import Claimed, Rows
from cutover.engines.v2.run import ExecutionRun
from cutover.harness.mutants.engines.broken import BrokenV2
from cutover.harness.mutants.patching import Patch

__all__ = [
    "AnotherOutput",
    "InFlightDone",
    "KeyByOrder",
    "KeyByStep",
    "KeysByChecksum",
    "LastStepAgain",
    "MemoByName",
    "NoKey",
    "RecordFirst",
    "RepeatsStep",
    "SharesContext",
    "StartsOver",
]


_ITERATION: Final = re.compile(r"\[[0-9]+\]")


class NoKey(BrokenV2):
    """Asks for the effect before it records it, and passes no key by which the world could recognise it."""

    def idempotency_key(self, execution_id: UUID, step_id: str) -> str | None:  # noqa: ARG002 - V2's own signature
        """None."""
        return None


class RecordFirst(BrokenV2):
    """Records the completion, then asks for the effect."""

    def attempt(self, run: ExecutionRun, step: Step) -> None:
        """As V2, the wrong way round."""
        call = self.call_of(run, step)
        run.complete(step, "null", ("out",))
        self.writer.commit(run)
        with suppress(ActivityError):
            self.activities.call(call)


class RepeatsStep(BrokenV2):
    """Asks for each effect twice."""

    def attempt(self, run: ExecutionRun, step: Step) -> None:
        """As V2, after a call of its own."""
        with suppress(ActivityError):
            self.activities.call(replace(self.call_of(run, step), idempotency_key=None))
        super().attempt(run, step)


class AnotherOutput(BrokenV2):
    """Keeps the step's input in place of the answer."""

    def succeeded(self, run: ExecutionRun, step: Step, result: ActivityResult) -> None:
        """As V2, with another output."""
        super().succeeded(run, step, replace(result, output=decode(step.given or "null")))


class SharesContext(BrokenV2):
    """Has one place in the process for "the input", and asks with what stands there from the step before."""

    last: ClassVar[JsonText | None] = None

    def attempt(self, run: ExecutionRun, step: Step) -> None:
        """As V2, with whatever input came last."""
        own, step.given = step.given, SharesContext.last or step.given
        SharesContext.last = own
        super().attempt(run, step)


class KeyByOrder(BrokenV2):
    """Numbers steps in the order in which this worker comes to them, and takes the number for the key."""

    def idempotency_key(self, execution_id: UUID, step_id: str) -> str | None:
        """The execution and the number, which begins anew after a crash."""
        numbers: dict[UUID, dict[str, int]] = self.__dict__.setdefault("numbers", {})
        seen = numbers.setdefault(execution_id, {})
        return f"{execution_id}:{seen.setdefault(step_id, len(seen))}"


class KeyByStep(BrokenV2):
    """Takes the step for the key, whichever execution it is in."""

    def idempotency_key(self, execution_id: UUID, step_id: str) -> str | None:  # noqa: ARG002 - V2's own signature
        """The step id."""
        return step_id


class MemoByName(BrokenV2):
    """Knows a step again by its node, whichever iteration of a loop it is in."""

    def idempotency_key(self, execution_id: UUID, step_id: str) -> str | None:
        """The key without the iteration."""
        return f"{execution_id}:{_ITERATION.sub('', step_id)}"


class InFlightDone(BrokenV2):
    """Takes the step that a dead worker was about for done."""

    def restore(self, execution_id: UUID, claimed: Claimed) -> tuple[ExecutionRun, Rows]:
        """As V2, and completes what is in flight."""
        run, rows = super().restore(execution_id, claimed)
        if run.active is not None and run.active.status == "running":
            run.complete(run.active, "null", ("out",))
        return run, rows


class LastStepAgain(BrokenV2):
    """Begins a resume with the last step that had ended."""

    def restore(self, execution_id: UUID, claimed: Claimed) -> tuple[ExecutionRun, Rows]:
        """As V2, and asks once more for what was done."""
        run, rows = super().restore(execution_id, claimed)
        done = [
            Step(run.top, index)
            for index, node in enumerate(run.top.graph.nodes)
            if isinstance(node, ActivityNode) and node.id in rows.steps and rows.steps[node.id].status == "completed"
        ]
        if done:
            done[-1].given, done[-1].attempt = rows.steps[done[-1].step_id].given, rows.steps[done[-1].step_id].attempt
            self.activities.call(self.call_of(run, done[-1]))
        return run, rows


class StartsOver(BrokenV2):
    """Begins a resume at the start node, whatever had ended."""

    def patches(self) -> tuple[Patch, ...]:
        """Recovery sees no steps."""
        original = recovery._restore_frame

        def forgetful(run: ExecutionRun, frame: Frame, rows: Rows) -> None:
            original(run, frame, rows._replace(steps={}))

        return ((recovery, "_restore_frame", forgetful),)


class KeysByChecksum(BrokenV2):
    """Has a checksum for a key, which no run of a few thousand steps shows to be too short."""

    def idempotency_key(self, execution_id: UUID, step_id: str) -> str:
        """Ten decimal digits at most."""
        return str(zlib.adler32(f"{step_id}:{execution_id}".encode()) ^ zlib.crc32(execution_id.bytes))
