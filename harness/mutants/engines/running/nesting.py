"""Engines that go wrong in loops in loops, or beside a loop that is open."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from cutover.engines.api import JoinNode, JsonText, LoopNode, WaitNode
from cutover.engines.v2.planner import Frame, Step
from cutover.engines.v2.record import Record
from cutover.engines.v2.run import ExecutionRun
from cutover.harness.mutants.engines.broken import BrokenV2
from cutover.harness.mutants.patching import Patch, patched

__all__ = [
    "CountsTurnsByDepth",
    "FailsTwoLoopsDeep",
    "JoinsEarlyTwoLoopsDeep",
    "LeavesLoopsOpen",
    "TimesOutIntoTheStep",
    "WakesTheInnermost",
]

_DEEP: Final = 2
"""Loops around a step from which these engines go wrong."""


def _loops_around(frame: Frame) -> int:
    count = 0
    while frame.loop is not None:
        count, frame = count + 1, frame.loop.frame
    return count


class CountsTurnsByDepth(BrokenV2):
    """Has one count of iterations for all loops that are as deep."""

    def patches(self) -> tuple[Patch, ...]:
        """Which iteration is next."""
        original = ExecutionRun._next_iteration

        def next_iteration(run: ExecutionRun, loop: Step, frame: Frame) -> None:
            depth = len(loop.place)
            loops = [s for s in run.open.values() if isinstance(s.node, LoopNode) and len(s.place) == depth]
            loop.iteration = max(each.iteration for each in loops)
            original(run, loop, frame)

        return ((ExecutionRun, "_next_iteration", next_iteration),)


class WakesTheInnermost(BrokenV2):
    """Shows a signal to the waits that are in the most loops, and keeps it where it is for none of them."""

    def patches(self) -> tuple[Patch, ...]:
        """Which waits see a signal."""
        original = ExecutionRun.receive

        def receive(run: ExecutionRun, signal_id: str, name: str, payload: JsonText) -> None:
            paused = [step for step in run.open.values() if step.status == "paused"]
            deepest = max((len(step.place) for step in paused), default=0)
            known = run.open
            run.open = {key: s for key, s in known.items() if s.status != "paused" or len(s.place) == deepest}
            hidden = {key: step for key, step in known.items() if key not in run.open}
            original(run, signal_id, name, payload)
            run.open.update(hidden)

        return ((ExecutionRun, "receive", receive),)


class LeavesLoopsOpen(BrokenV2):
    """Fails an execution and leaves what other loops have open as it is."""

    def patches(self) -> tuple[Patch, ...]:
        """What is cancelled by a failure."""
        original, cancel_open = Record.fail, Record._cancel_open

        def some(run: Record, keep: list[Step]) -> None:
            others = [s for s in run.open.values() if s.frame.loop is not None and s.frame.loop not in keep]
            cancel_open(run, [*keep, *others])

        def fail(run: Record, step: Step, message: str) -> None:
            with patched(((Record, "_cancel_open", some),)):
                original(run, step, message)

        return ((Record, "fail", fail),)


class FailsTwoLoopsDeep(BrokenV2):
    """Fails the execution by any error of a step in a loop in a loop."""

    def patches(self) -> tuple[Patch, ...]:
        """What an activity's end as failed leads to."""
        original = ExecutionRun.attempt_failed

        def attempt_failed(run: ExecutionRun, step: Step, message: str) -> None:
            if _loops_around(step.frame) >= _DEEP:
                run.fail(step, message)
            else:
                original(run, step, message)

        return ((ExecutionRun, "attempt_failed", attempt_failed),)


class JoinsEarlyTwoLoopsDeep(BrokenV2):
    """Has a join in a loop in a loop go on with its first branch, from the second iteration."""

    def patches(self) -> tuple[Patch, ...]:
        """When a node is ready."""
        original = Frame._look_at

        def look_at(frame: Frame, index: int, ready: list[int], skipped: list[int]) -> None:
            join = isinstance(frame.graph.nodes[index], JoinNode) and frame.taken[index] and not frame.fired[index]
            if join and _loops_around(frame) >= _DEEP and frame.loop is not None and frame.loop.iteration:
                frame.fired[index] = True
                ready.append(index)
            else:
                original(frame, index, ready, skipped)

        return ((Frame, "_look_at", look_at),)


class TimesOutIntoTheStep(BrokenV2):
    """Leaves a wait in a loop in a loop as if its signal had come, where its time is up."""

    def patches(self) -> tuple[Patch, ...]:
        """By which port a wait is left."""
        original, wake = ExecutionRun._time_out, ExecutionRun._wake

        def time_out(run: ExecutionRun, step: Step, now: datetime) -> None:
            deep = isinstance(step.node, WaitNode) and step.node.signal is not None
            if not (deep and _loops_around(step.frame) >= _DEEP and step.due_at is not None):
                original(run, step, now)
                return
            run.delta.timer(step, "wait", 1, step.due_at, now)
            wake(run, step, "null", ("out",))

        return ((ExecutionRun, "_time_out", time_out),)
