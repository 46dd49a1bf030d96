"""Engines that take what is alike for the same: values, steps, and the names of secrets. Does I/O as V2 does."""

from __future__ import annotations

import re
from typing import Final
from uuid import UUID

from cutover.engines.api import ActivityNode, EngineContext, JsonText, JsonValue
from cutover.engines.payloads import decode, encode
from cutover.engines.v2 import orchestrator
from cutover.engines.v2.graph import Graph
from cutover.engines.v2.planner import Step
from cutover.engines.v2.record import Record
from cutover.harness.mutants.engines.broken import BrokenV2
from cutover.harness.mutants.patching import Patch

__all__ = [
    "CachesByTheEnds",
    "InternsByTheEnds",
    "KeepsOldErrors",
    "KeysByIteration",
    "MasksAnswers",
    "MasksInputs",
    "TakesCyclesInBodies",
]

_ENDS: Final = 100
_LOOP: Final = re.compile(r"[^/\[]*(\[[0-9]+\])/")
_SECRETS: Final = frozenset({"password", "secret", "token", "authorization"})


def _fingerprint(text: JsonText) -> tuple[int, str, str]:
    return len(text), text[:_ENDS], text[-_ENDS:]


class CachesByTheEnds(BrokenV2):
    """Decodes the input of a call once, and knows it again by its length and its ends."""

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        self.seen: dict[tuple[int, str, str], JsonText] = {}

    def patches(self) -> tuple[Patch, ...]:
        """How inputs are read."""
        return ((orchestrator, "decode", lambda text: decode(self.seen.setdefault(_fingerprint(text), text))),)


class InternsByTheEnds(BrokenV2):
    """Keeps one text of those that are of one length and have the same ends: of answers, signals and inputs."""

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        self.kept: dict[tuple[int, str, str], JsonText] = {}

    def patches(self) -> tuple[Patch, ...]:
        """What is kept of a value."""

        def interned(value: JsonValue) -> JsonText:
            text = encode(value)
            return self.kept.setdefault(_fingerprint(text), text)

        return ((orchestrator, "encode", interned),)


class KeysByIteration(BrokenV2):
    """Knows a step in a loop by the number of the turn, and not by the loop's name."""

    def idempotency_key(self, execution_id: UUID, step_id: str) -> str | None:
        """As V2, without names of loops."""
        turns = _LOOP.sub(r"\1", step_id)
        return f"{execution_id}:{turns}"


def _masked(value: JsonValue) -> JsonValue:
    if isinstance(value, list):
        return [_masked(part) for part in value]
    if isinstance(value, dict):
        return {key: "***" if key in _SECRETS and _is_secret(part) else _masked(part) for key, part in value.items()}
    return value


def _is_secret(value: JsonValue) -> bool:
    """Whether it is a text that a person chose: what the harness itself planted stays."""
    return isinstance(value, str) and not value.startswith("tok-")


class MasksInputs(BrokenV2):
    """Hides what stands under the name of a secret from the activity that needs it."""

    def patches(self) -> tuple[Patch, ...]:
        """How inputs are read."""
        return ((orchestrator, "decode", lambda text: _masked(decode(text))),)


class MasksAnswers(BrokenV2):
    """Keeps no secret that an answer or a signal brings."""

    def patches(self) -> tuple[Patch, ...]:
        """What is kept of a value."""
        return ((orchestrator, "encode", lambda value: encode(_masked(value))),)


class KeepsOldErrors(BrokenV2):
    """Leaves the error of an earlier attempt in the row of a step that then succeeds."""

    def patches(self) -> tuple[Patch, ...]:
        """How an attempt begins."""
        original = Record.start_attempt

        def start_attempt(run: Record, step: Step, *args: object) -> None:
            error = step.error
            original(run, step, *args)  # type: ignore[arg-type]  # as it was called
            if isinstance(step.node, ActivityNode):
                step.error = error

        return ((Record, "start_attempt", start_attempt),)


class TakesCyclesInBodies(BrokenV2):
    """Looks for cycles in the workflow, and not in the bodies of its loops."""

    def patches(self) -> tuple[Patch, ...]:
        """How a body is put in order."""
        original, build = Graph._sorted, Graph.__init__
        depths: list[int] = []

        def init(graph: Graph, workflow: object, *, repeat: bool = False, depth: int = 0) -> None:
            depths.append(depth)
            try:
                build(graph, workflow, repeat=repeat, depth=depth)  # type: ignore[arg-type]  # as it was called
            finally:
                depths.pop()

        def in_order(graph: Graph, workflow: object) -> tuple[int, ...]:
            if depths[-1]:
                return tuple(range(len(graph.nodes)))
            return original(graph, workflow)  # type: ignore[arg-type]  # as it was called

        return ((Graph, "__init__", init), (Graph, "_sorted", in_order))
