"""Drives an execution on an engine's own primitives: asks for what comes next, and waits. Calls the engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from cutover.engines.api import Activities, ActivityCall, ActivityNode, Clock, JsonValue, WaitNode
from cutover.engines.kit.attempts import due_after, idempotency_key, made, next_due
from cutover.engines.kit.durable import Durable, at_of, now_text
from cutover.engines.kit.walk import GraphWalk, WalkStep
from cutover.engines.payloads import decode, encode

__all__ = ["drive"]


@dataclass(frozen=True, slots=True)
class _Surroundings:
    execution_id: UUID
    durable: Durable
    activities: Activities
    clock: Clock


def drive(walk: GraphWalk, execution_id: UUID, durable: Durable, activities: Activities, clock: Clock) -> None:
    """Runs the execution until it has ended, or until `durable.receive` has nothing and all else has been done.

    The walk then stands where the execution stands. It must be a new one: what was done before is read from `durable`.
    """
    around = _Surroundings(execution_id, durable, activities, clock)
    heard: set[str] = set()
    received = 0
    while walk.status == "running":
        step = walk.next()
        if step is None:
            if not walk.paused:
                return  # what needed nobody has ended it
            received += 1
            message = durable.receive(f"$message#{received}", walk.deadline)
            if message is None:
                return
            _hear(walk, message, heard)
        elif isinstance(step.node, ActivityNode):
            _attempts(walk, step, step.node, around)
        elif isinstance(step.node, WaitNode):
            _pause(walk, step, step.node, around)


def _attempts(walk: GraphWalk, step: WalkStep, node: ActivityNode, around: _Surroundings) -> None:
    given = encode(step.given)

    def attempt(call: ActivityCall) -> Callable[[], JsonValue]:
        return lambda: made(around.activities, around.clock, call)

    while True:
        step.attempt += 1
        call = ActivityCall(
            execution_id=around.execution_id,
            step_id=step.step_id,
            activity=node.activity,
            attempt=step.attempt,
            idempotency_key=idempotency_key(around.execution_id, step.step_id),
            input=decode(given),
        )
        name = f"{step.step_id}#{step.attempt}"
        kept = around.durable.step(name, attempt(call))
        assert isinstance(kept, dict)  # noqa: S101 - `made` returns no other
        walk.at = max(walk.at, at_of(kept))
        if "error" not in kept:
            ports = kept["ports"]
            walk.complete(step, kept["output"], tuple(map(str, ports if isinstance(ports, list) else ())))
            return
        due = next_due(node.retry, step.attempt, kept, around.execution_id, step.step_id)
        if due is None:
            walk.give_up(step, str(kept["error"]))
            return
        walk.retry(step, str(kept["error"]), due)
        around.durable.sleep(f"{name}#delay", due)
        step.status, step.error, step.due_at = "running", None, None


def _pause(walk: GraphWalk, step: WalkStep, node: WaitNode, around: _Surroundings) -> None:
    if node.timeout_ms is None:
        walk.pause(step, None)
        return

    def began() -> JsonValue:
        return {"clock": around.clock.now().isoformat(), "at": now_text()}

    kept = around.durable.step(f"{step.step_id}#pause", began)
    walk.at = max(walk.at, at_of(kept))
    walk.pause(step, due_after(at_of(kept, "clock"), node.timeout_ms))


def _hear(walk: GraphWalk, message: JsonValue, heard: set[str]) -> None:
    """Takes a message: what the clock shows, or a signal that has not been heard yet."""
    assert isinstance(message, dict)  # noqa: S101 - what makes messages makes no other
    walk.at = max(walk.at, at_of(message))
    if "now" in message:
        walk.time_is(at_of(message, "now"))
    elif (signal_id := str(message["id"])) not in heard:
        heard.add(signal_id)
        walk.hear(str(message["name"]), message["payload"])
