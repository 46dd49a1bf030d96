"""Engines that walk the graph wrongly, or end it wrongly."""

from __future__ import annotations

from heapq import heappush
from typing import Final

from cutover.engines.api import JoinNode, JsonText
from cutover.engines.v2.graph import AGAIN, EXIT
from cutover.engines.v2.planner import Frame, Step, _is_any, in_list
from cutover.engines.v2.record import Record
from cutover.engines.v2.run import ExecutionRun
from cutover.harness.mutants.engines.broken import BrokenV2
from cutover.harness.mutants.patching import Patch

__all__ = [
    "CancelsIntoTheStep",
    "DropsErrorsAtTheExit",
    "DropsTheLastItem",
    "EndsTooSoon",
    "JoinsNever",
    "JoinsTheLast",
    "JoinsTheSound",
    "JoinsTwice",
    "QueuesItsJoins",
]

_PAGE: Final = 20
"""Items of a loop beyond which one engine goes wrong."""


class CancelsIntoTheStep(BrokenV2):
    """Takes the cancellation for what the step came to."""

    def patches(self) -> tuple[Patch, ...]:
        """How paused steps end."""
        original = Record.cancel

        def cancel(run: Record) -> None:
            for step in [step for step in run.open.values() if step.status == "paused"]:
                run.transition(step, "RESUME")
                step.output, step.ports = '{"error":"cancelled"}', ("out",)
                run.transition(step, "COMPLETE")
            original(run)

        return ((Record, "cancel", cancel),)


class EndsTooSoon(BrokenV2):
    """Ends with the first branch that ends."""

    def patches(self) -> tuple[Patch, ...]:
        """What follows a step."""
        original = ExecutionRun._leave

        def leave(run: ExecutionRun, step: Step) -> None:
            original(run, step)
            frame = step.frame
            if frame.loop is None and frame.last and run.status == "running":
                run._end("COMPLETE", output=frame.output())

        return ((ExecutionRun, "_leave", leave),)


class JoinsNever(BrokenV2):
    """Has a join wait for every branch, also for one that was skipped."""

    def patches(self) -> tuple[Patch, ...]:
        """When a node is ready."""
        original = Frame._look_at

        def look_at(frame: Frame, index: int, ready: list[int], skipped: list[int]) -> None:
            waits = isinstance(frame.graph.nodes[index], JoinNode) and frame.taken[index]
            if not waits or len(frame.taken[index]) == frame.graph.incoming[index]:
                original(frame, index, ready, skipped)

        return ((Frame, "_look_at", look_at),)


class JoinsTwice(BrokenV2):
    """Fires a join for any branch at each branch that comes."""

    def patches(self) -> tuple[Patch, ...]:
        """When a node is ready."""
        original = Frame._look_at

        def look_at(frame: Frame, index: int, ready: list[int], skipped: list[int]) -> None:
            if frame.fired[index] and _is_any(frame.graph, index):
                frame.open += 1
                ready.append(index)
            original(frame, index, ready, skipped)

        return ((Frame, "_look_at", look_at),)


class JoinsTheLast(BrokenV2):
    """Has a join for any branch wait for all of them and go by the last."""

    def patches(self) -> tuple[Patch, ...]:
        """When the join is ready, and what it is given."""
        look, given = Frame._look_at, Frame.input_of

        def look_at(frame: Frame, index: int, ready: list[int], skipped: list[int]) -> None:
            if not _is_any(frame.graph, index) or frame.wait_for[index] == 0:
                look(frame, index, ready, skipped)

        def input_of(frame: Frame, index: int) -> JsonText:
            if _is_any(frame.graph, index):
                return frame.outputs[frame.taken[index][-1]]
            return given(frame, index)

        return ((Frame, "_look_at", look_at), (Frame, "input_of", input_of))


class DropsTheLastItem(BrokenV2):
    """Leaves out what the last of many items gave."""

    def patches(self) -> tuple[Patch, ...]:
        """How a step ends well."""
        original = ExecutionRun.complete

        def complete(run: ExecutionRun, step: Step, output: JsonText, ports: tuple[str, ...]) -> None:
            original(run, step, in_list(step.results[:-1]) if len(step.results) > _PAGE else output, ports)

        return ((ExecutionRun, "complete", complete),)


class DropsErrorsAtTheExit(BrokenV2):
    """Lets no error lead out of a loop, nor into its next turn."""

    def patches(self) -> tuple[Patch, ...]:
        """How a step fails whose error goes on."""
        original = ExecutionRun.attempt_failed

        def attempt_failed(run: ExecutionRun, step: Step, message: str) -> None:
            edges = step.frame.graph.outgoing[step.index]
            kept = [(port, target) for port, target in edges if not (port == "error" and _leads_out(target))]
            step.frame.graph.outgoing[step.index] = kept
            try:
                original(run, step, message)
            finally:
                step.frame.graph.outgoing[step.index] = edges

        return ((ExecutionRun, "attempt_failed", attempt_failed),)


def _leads_out(target: int | str) -> bool:
    return isinstance(target, str) and (target == AGAIN or target.startswith(EXIT))


class JoinsTheSound(BrokenV2):
    """Has a join for any branch pass over one that failed and went on."""

    def patches(self) -> tuple[Patch, ...]:
        """How a step fails whose execution goes on."""
        original = ExecutionRun.attempt_failed

        def attempt_failed(run: ExecutionRun, step: Step, message: str) -> None:
            edges = step.frame.graph.outgoing[step.index]
            kept = [
                ("$never" if isinstance(target, int) and _is_any(step.frame.graph, target) else port, target)
                for port, target in edges
            ]
            step.frame.graph.outgoing[step.index] = kept
            try:
                original(run, step, message)
            finally:
                step.frame.graph.outgoing[step.index] = edges

        return ((ExecutionRun, "attempt_failed", attempt_failed),)


class QueuesItsJoins(BrokenV2):
    """Puts a join for any branch in line behind the other nodes that are ready, and reads after a death who came."""

    def patches(self) -> tuple[Patch, ...]:
        """Where a join stands in line."""
        original = ExecutionRun.line_up

        def line_up(run: ExecutionRun, frame: Frame, ready: list[int]) -> None:
            joins = [index for index in ready if _is_any(frame.graph, index)]
            original(run, frame, [index for index in ready if index not in joins])
            for index in joins:
                heappush(run.ready, ((*frame.place, index), index, frame))

        return ((ExecutionRun, "line_up", line_up),)
