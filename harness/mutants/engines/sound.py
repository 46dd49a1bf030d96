"""Sound engines that look odd: what they do differently is theirs to decide, and no check may mind. Does I/O as V2."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from cutover.engines.api import ActivityResult, Clock, EngineContext, JoinNode, JsonText, StartNode, WaitNode
from cutover.engines.payloads import encode
from cutover.engines.v2 import events
from cutover.engines.v2.events import Event
from cutover.engines.v2.planner import Frame, Step
from cutover.engines.v2.record import Record
from cutover.engines.v2.run import ExecutionRun
from cutover.engines.v2.writer import Statements, Writer
from cutover.harness.mutants.engines.broken import BrokenV2
from cutover.harness.mutants.patching import Patch

__all__ = ["KeysInOrder", "LivesLater", "SaysMore", "TakesItsTime", "TakesTheLastFirst"]

_LATER: Final = timedelta(days=400, microseconds=1)
_PAUSE_S: Final = 0.004


class _Later:
    """A clock that is ahead of another."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now(self) -> datetime:
        return self._clock.now() + _LATER

    def sleep_until(self, deadline: datetime) -> None:
        self._clock.sleep_until(deadline - _LATER)


class LivesLater(BrokenV2):
    """Lives more than a year later, and has a name of its own in every row."""

    def __init__(self, context: EngineContext) -> None:
        super().__init__(replace(context, clock=_Later(context.clock)))


class TakesTheLastFirst(BrokenV2):
    """Takes the ready node that is defined last."""

    def patches(self) -> tuple[Patch, ...]:
        """How ready nodes are lined up."""
        original = ExecutionRun.line_up

        def line_up(run: ExecutionRun, frame: Frame, ready: list[int]) -> None:
            nodes = frame.graph.nodes
            ordinary = [index for index in ready if not isinstance(nodes[index], StartNode | JoinNode | WaitNode)]
            original(run, frame, [index for index in ready if index not in ordinary])
            run.ready += [((1, *(-place for place in (*frame.place, index))), index, frame) for index in ordinary]
            run.ready.sort()

        return ((ExecutionRun, "line_up", line_up),)


class SaysMore(BrokenV2):
    """Adds an informational event to every completion."""

    def patches(self) -> tuple[Patch, ...]:
        """What a completion leaves behind."""
        original = ExecutionRun.complete

        def complete(run: ExecutionRun, step: Step, output: JsonText, ports: tuple[str, ...]) -> None:
            _tell(run)
            original(run, step, output, ports)

        return ((ExecutionRun, "complete", complete),)


class _Slow(Writer):
    def _write(
        self, statements: Statements, run: ExecutionRun, held: Sequence[str], landed: Callable[[int], bool]
    ) -> bool:
        time.sleep(_PAUSE_S)
        return super()._write(statements, run, held, landed)


class TakesItsTime(BrokenV2):
    """Takes longer over each commit, within what is allowed."""

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        self.writer = _Slow(self.store, context.clock, self.lines, self.owner)


class KeysInOrder(BrokenV2):
    """Keeps objects with their keys in another order than they came."""

    def succeeded(self, run: ExecutionRun, step: Step, result: ActivityResult) -> None:
        """As V2, keys backwards."""

        def backwards(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
            return dict(reversed(pairs))

        turned = json.loads(encode(result.output), object_pairs_hook=backwards)
        super().succeeded(run, step, replace(result, output=turned))


def _tell(run: Record) -> None:
    run.sequence = events.next_sequence(run.sequence)
    run.delta.events.append(Event(run.sequence, "PROGRESS", None, None, "", "", 0, None, None, None))
