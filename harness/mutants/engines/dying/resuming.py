"""Engines that resume rightly as long as little has happened."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from cutover.engines.api import ActivityNode, JsonText, LoopNode
from cutover.engines.v2 import recovery, store
from cutover.engines.v2.planner import Frame, Step
from cutover.engines.v2.recovery import Claimed, Rows
from cutover.engines.v2.run import ExecutionRun
from cutover.harness.mutants.engines.broken import BrokenV2
from cutover.harness.mutants.engines.dying.committing import StoresTheRefusal
from cutover.harness.mutants.patching import Patch

__all__ = [
    "CutsOnResume",
    "FirstEffectAgain",
    "ForgetsBranches",
    "ForgetsWaits",
    "GivesUpAtTheThirdTakeover",
    "LosesInnerResults",
    "RepeatsAtTheSecondTakeover",
    "ResumesInTextOrder",
    "ResumesTheLastBranch",
    "StoresTheSecondRefusal",
]

_BUFFER: Final = 8_192
"""Characters of a payload that one engine reads back."""
_SECOND, _THIRD = 3, 4
"""The epochs of the second and the third takeover of an execution that has not paused."""


class FirstEffectAgain(BrokenV2):
    """Begins a resume with the first effect, once two activities are done."""

    def restore(self, execution_id: UUID, claimed: Claimed) -> tuple[ExecutionRun, Rows]:
        """As V2, and asks once more for what was done first."""
        run, rows = super().restore(execution_id, claimed)
        done = _done(run, rows)
        if len(done) > 1:
            self.activities.call(self.call_of(run, done[0]))
        return run, rows


class RepeatsAtTheSecondTakeover(BrokenV2):
    """Takes an execution over well, but when it is the second time asks for the newest effect again."""

    def restore(self, execution_id: UUID, claimed: Claimed) -> tuple[ExecutionRun, Rows]:
        """As V2, with one call more at the second takeover."""
        run, rows = super().restore(execution_id, claimed)
        if claimed.epoch == _SECOND and not rows.timers and not rows.signals and (done := _done(run, rows)):
            self.activities.call(self.call_of(run, done[-1]))
        return run, rows


class GivesUpAtTheThirdTakeover(BrokenV2):
    """Takes an execution that has outlived three workers for one that kills them, and fails it."""

    def restore(self, execution_id: UUID, claimed: Claimed) -> tuple[ExecutionRun, Rows]:
        """As V2, without patience."""
        run, rows = super().restore(execution_id, claimed)
        if claimed.epoch == _THIRD and not rows.timers and not rows.signals and run.active is not None:
            run.fail(run.active, "too many workers died")
        return run, rows


class StoresTheSecondRefusal(StoresTheRefusal):
    """Tries once more after 40001, and takes the second one in a row for the step's own failure."""

    def patches(self) -> tuple[Patch, ...]:
        """A commit is sent twice at most."""
        return ((store, "COMMIT_TRIES", 2),)


class ResumesInTextOrder(BrokenV2):
    """Brings a loop's results together by the text of their step ids, so that [10] comes before [2]."""

    def patches(self) -> tuple[Patch, ...]:
        """How a loop is restored."""
        original = recovery._restore_loop

        def restore_loop(run: ExecutionRun, loop: Step, node: LoopNode, rows: Rows) -> None:
            original(run, loop, node, rows)
            order = sorted(range(len(loop.results)), key=str)
            loop.results = [loop.results[number] for number in order]

        return ((recovery, "_restore_loop", restore_loop),)


class LosesInnerResults(BrokenV2):
    """Restores what the iterations of a loop gave, but not of a loop inside another."""

    def patches(self) -> tuple[Patch, ...]:
        """How a loop is restored."""
        original = recovery._restore_loop

        def restore_loop(run: ExecutionRun, loop: Step, node: LoopNode, rows: Rows) -> None:
            original(run, loop, node, rows)
            if loop.frame.loop is not None:
                loop.results = []

        return ((recovery, "_restore_loop", restore_loop),)


class _Rereads(BrokenV2):
    """V2 that reads payloads back otherwise than it wrote them."""

    def reread(self, step_id: str, payload: JsonText, run: ExecutionRun) -> JsonText:
        """What a resume sees of a step's input or output."""
        raise NotImplementedError

    def patches(self) -> tuple[Patch, ...]:
        """What recovery sees of the steps."""
        original = recovery._restore_frame

        def restore_frame(run: ExecutionRun, frame: Frame, rows: Rows) -> None:
            steps = {
                name: row._replace(
                    given=row.given and self.reread(name, row.given, run),
                    output=row.output and self.reread(name, row.output, run),
                )
                for name, row in rows.steps.items()
            }
            original(run, frame, rows._replace(steps=steps))

        return ((recovery, "_restore_frame", restore_frame),)


class CutsOnResume(_Rereads):
    """Reads back no payload longer than its buffer."""

    def reread(self, step_id: str, payload: JsonText, run: ExecutionRun) -> JsonText:  # noqa: ARG002 - as the base
        """What fits."""
        return "null" if len(payload) > _BUFFER else payload


class ForgetsWaits(_Rereads):
    """Reads back nothing of a wait that is over: the signal is not sent again."""

    def reread(self, step_id: str, payload: JsonText, run: ExecutionRun) -> JsonText:
        """All but what waits were given and gave."""
        kinds = {node.id: node.kind for node in run.top.graph.nodes}
        return "null" if kinds.get(step_id) == "wait" else payload


class ForgetsBranches(BrokenV2):
    """Resumes the branch that was under way, and none that had not begun."""

    def restore(self, execution_id: UUID, claimed: Claimed) -> tuple[ExecutionRun, Rows]:
        """As V2, with a single branch."""
        run, rows = super().restore(execution_id, claimed)
        if run.active is not None:
            run.ready.clear()
        return run, rows


class ResumesTheLastBranch(BrokenV2):
    """Of several branches that had not begun resumes the last one, and takes the others for skipped."""

    def restore(self, execution_id: UUID, claimed: Claimed) -> tuple[ExecutionRun, Rows]:
        """As V2, with branches left out."""
        run, rows = super().restore(execution_id, claimed)
        begun = run.active is not None
        ordinary = [entry for entry in run.ready if entry[0] >= (0,)]
        left_out = ordinary if begun else ordinary[:-1]
        for entry in left_out:
            run.ready.remove(entry)
            _, index, frame = entry
            ready: list[int] = []
            skipped: list[int] = []
            frame._skip(index, ready, skipped)
            run._skip(frame, skipped)
            run.line_up(frame, ready)
        return run, rows


def _done(run: ExecutionRun, rows: Rows) -> list[Step]:
    """The activity steps of the whole workflow that are completed, in definition order, as their rows say."""
    found: list[Step] = []
    for index, node in enumerate(run.top.graph.nodes):
        row = rows.steps.get(node.id)
        if isinstance(node, ActivityNode) and row is not None and row.status == "completed":
            step = Step(run.top, index)
            step.given, step.attempt = row.given, row.attempt
            found.append(step)
    return found
