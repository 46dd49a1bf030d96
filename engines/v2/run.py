"""One execution under way: what is ready, what each node evaluates to, what follows it. Pure.

Everything here can be built again from rows; `cutover.engines.v2.recovery` does.
"""

from __future__ import annotations

from datetime import datetime
from heapq import heappop, heappush
from uuid import UUID

from cutover.engines.api import ActivityNode, ConditionNode, JoinNode, JsonText, LoopNode, StartNode, WaitNode
from cutover.engines.errors import PayloadRefused
from cutover.engines.payloads import encode, storable_text
from cutover.engines.v2 import events
from cutover.engines.v2.graph import Graph
from cutover.engines.v2.nodes import Unanswered, choose, evaluate, iteration, list_items
from cutover.engines.v2.planner import Frame, Rank, Step, in_list
from cutover.engines.v2.record import Record
from cutover.engines.v2.retry import due_at

__all__ = ["ExecutionRun"]

_FIRST: Rank = (-1,)
_ORDINARY: Rank = (0,)


class ExecutionRun(Record):
    """An execution that goes on. `ready` and `waits` are in definition order; `signals` have not been used yet."""

    def __init__(self, execution_id: UUID, graph: Graph, given: JsonText) -> None:
        super().__init__(execution_id, graph, given)
        self.signals: list[tuple[str, str, JsonText]] = []
        self.ready: list[tuple[Rank, int, Frame]] = []
        self.waits: list[tuple[Rank, int, Frame]] = []

    def begin(self) -> None:
        """Puts the start node in line and writes the execution's first event."""
        self._event(None, "START", "pending", "running")
        self._enter(self.top)

    def advance(self, now: datetime) -> Step | None:
        """Takes what is ready until an activity starts; None when the execution has ended or nothing is left but waits.

        Waits come last, so that a wait's deadline counts from the pause that the caller sees. Also None where the
        commit has become large; `paused` tells these apart.
        """
        while self.status == "running" and (self.active is None or self._belongs_here()):
            if (self.ready or self.waits) and self.delta.is_large and not self._belongs_here():
                break
            if self.ready:
                _, index, frame = heappop(self.ready)
                self._take(frame, index)
            elif self.waits:
                _, index, frame = heappop(self.waits)
                self._pause(Step(frame, index), now)
            elif (step := self._overdue(now)) is not None:
                self._time_out(step, now)
            else:
                break
        return self.active

    @property
    def paused(self) -> bool:
        """Whether nothing can go on without a signal or a timer."""
        return not self.ready and not self.waits and self.active is None and self.status == "running"

    def complete(self, step: Step, output: JsonText, ports: tuple[str, ...]) -> None:
        """Ends a step well and decides what follows it."""
        step.output, step.ports = output, ports
        self.transition(step, "COMPLETE")
        self.delta.metric(step, "success")
        self._leave(step)

    def attempt_failed(self, step: Step, message: str) -> None:
        """Ends an activity step whose attempts are used up, as its `on_error` says."""
        on_error = step.node.on_error if isinstance(step.node, ActivityNode) else "fail"
        if on_error == "fail":
            self.fail(step, message)
            return
        step.error = storable_text(message)
        step.output, step.ports = encode({"error": message}), ("error",) if on_error == "route" else ("out",)
        self.transition(step, "FAIL")
        self.delta.metric(step, "failure")
        self._leave(step)

    def receive(self, signal_id: str, name: str, payload: JsonText) -> None:
        """Takes a signal in: for the first wait that is paused for it, else for one to come."""
        self.sequence = events.next_sequence(self.sequence)
        self.delta.events.append(events.signal_received(self.sequence, signal_id, name))
        waiting = (
            s
            for s in self.open.values()
            if s.status == "paused" and isinstance(s.node, WaitNode) and s.node.signal == name
        )
        step = min(waiting, key=lambda s: s.place, default=None)
        self.delta.signal(signal_id, name, payload, step)
        if step is None:
            self.signals.append((signal_id, name, payload))
        else:
            self._wake(step, payload, ("out",))

    def line_up(self, frame: Frame, ready: list[int]) -> None:
        """Puts nodes that are ready in line, in definition order.

        A start node and a join for any branch go first, into the commit that made them ready: rows tell of an
        iteration by its start, and after a crash nobody could say which branch had reached the join first.
        """
        for index in ready:
            node = frame.graph.nodes[index]
            place = (*frame.place, index)
            if isinstance(node, WaitNode):
                heappush(self.waits, (place, index, frame))
            elif isinstance(node, StartNode) or (isinstance(node, JoinNode) and node.mode == "any"):
                heappush(self.ready, (_FIRST + place, index, frame))
            else:
                heappush(self.ready, (place, index, frame))

    def follow(self, frame: Frame) -> None:
        """Goes on after a level whose last node has ended: an iteration, or the end of the loop or execution."""
        loop = frame.loop
        if loop is None:
            try:
                self._end("COMPLETE", output=frame.output())
            except PayloadRefused as error:
                self._end("FAIL", error=storable_text(str(error)))
            return
        try:
            self._next_iteration(loop, frame)
        except PayloadRefused as error:
            self.fail(loop, str(error))

    def _belongs_here(self) -> bool:
        """Whether the next in line goes into the commit that made it ready, even beside an activity."""
        return bool(self.ready) and self.ready[0][0] < _ORDINARY

    def _take(self, frame: Frame, index: int) -> None:
        """Runs a node that is ready, or starts its first attempt."""
        step = Step(frame, index)
        if not self._given(step):
            return
        if isinstance(step.node, ActivityNode):
            self.active = step
            self.start_attempt(step, None)
            return
        step.attempt = 1
        self.transition(step, "START")
        match step.node:
            case ConditionNode():
                self._choose(step, step.node)
            case LoopNode():
                self._open_loop(step, step.node)
            case _:
                self.complete(step, step.given or "null", ("out",))
        self.delta.weigh(step)

    def _given(self, step: Step) -> bool:
        """Brings a step's input together; fails the step where the branches make a value that cannot be kept."""
        self.node_id = step.node.id
        try:
            step.given = step.frame.input_of(step.index)
        except PayloadRefused as error:
            step.attempt = 1
            self.transition(step, "START")
            self.fail(step, str(error))
            return False
        return True

    def _choose(self, step: Step, node: ConditionNode) -> None:
        try:
            port = choose(node, evaluate(step, node.expression))
        except Unanswered as problem:
            self.fail(step, str(problem))
        else:
            self.complete(step, step.given or "null", (port,))

    def _open_loop(self, step: Step, node: LoopNode) -> None:
        if node.items is None:
            self._enter(iteration(step, 0, step.given or "null"))
            return
        try:
            step.items = list_items(step, node.items)
        except Unanswered as problem:
            self.fail(step, str(problem))
            return
        if step.items:
            self._enter(iteration(step, 0, step.items[0]))
        else:
            self.complete(step, "[]", ("out",))

    def _next_iteration(self, loop: Step, frame: Frame) -> None:
        node = loop.node
        assert isinstance(node, LoopNode)  # noqa: S101 - tells the type checker what `follow` knows
        number = loop.iteration + 1
        if node.items is not None:
            loop.results.append(frame.output())
            if number < len(loop.items):
                self._enter(iteration(loop, number, loop.items[number]))
            else:
                self.complete(loop, in_list(loop.results), ("out",))
        elif frame.again:
            if number < node.max_iterations:
                self._enter(iteration(loop, number, frame.carried(frame.again)))
            else:
                self.fail(loop, f"the loop asked for more than {node.max_iterations} iterations")
        else:
            leaving = [source for sources in frame.exits.values() for source in sources]
            output = frame.carried(leaving) if leaving else frame.output()
            self.complete(loop, output, frame.exit_ports())

    def _enter(self, frame: Frame) -> None:
        ready, skipped = frame.begin()
        self._skip(frame, skipped)
        self.line_up(frame, ready)

    def _leave(self, step: Step) -> None:
        """Decides the edges that leave a step which has ended by its ports."""
        if step is self.active:
            self.active = None
        frame = step.frame
        ready, skipped = frame.settle(step.index, step.ports, step.output or "null")
        self._skip(frame, skipped)
        self.line_up(frame, ready)
        if frame.open == 0 and self.status == "running" and not frame.followed:
            frame.followed = True
            self.follow(frame)

    def _skip(self, frame: Frame, skipped: list[int]) -> None:
        for index in skipped:
            self.transition(Step(frame, index), "SKIP")

    def _pause(self, step: Step, now: datetime) -> None:
        """Starts a wait: with a signal that came early, else paused."""
        node = step.node
        assert isinstance(node, WaitNode)  # noqa: S101 - only waits stand in that line
        if not self._given(step):
            return
        step.attempt = 1
        self.transition(step, "START")
        self.delta.weigh(step)
        for kept in self.signals:
            signal_id, name, payload = kept
            if name == node.signal:
                self.signals.remove(kept)
                self.delta.signal(signal_id, name, payload, step)
                self.complete(step, payload, ("out",))
                return
        if node.timeout_ms is not None:
            step.due_at = due_at(now, node.timeout_ms)
            self.delta.timer(step, "wait", 1, step.due_at)
        self.transition(step, "PAUSE")

    def _overdue(self, now: datetime) -> Step | None:
        """The paused wait whose timer has been up for longest."""
        due = [s for s in self.open.values() if s.status == "paused" and s.due_at is not None and s.due_at <= now]
        return min(due, key=lambda s: (s.due_at, s.place), default=None)

    def _time_out(self, step: Step, now: datetime) -> None:
        assert step.due_at is not None  # noqa: S101 - `_overdue` looked
        self.delta.timer(step, "wait", 1, step.due_at, now)
        if isinstance(step.node, WaitNode) and step.node.signal is not None:
            self._wake(step, "null", ("timeout",))
        else:
            self._wake(step, step.given or "null", ("out",))

    def _wake(self, step: Step, output: JsonText, ports: tuple[str, ...]) -> None:
        self.node_id = step.node.id
        self.transition(step, "RESUME")
        self.complete(step, output, ports)
