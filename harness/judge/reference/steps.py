"""The steps of one run of the reference model: how they stand, and whether anything moves. Pure."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import NoReturn

from cutover.engines.api import JsonText, JsonValue, Node, StepStatus
from cutover.harness.judge.reference.graph import PendingWaits

__all__ = ["Ran", "Steps"]


@dataclass(slots=True, kw_only=True)
class Ran:
    """One step as the interpreter saw it; `refused` says that the world's own error ended it.

    Delays are bands in ms, one a retry; `given` and `output` are JSON text.
    """

    node: Node
    step_id: str
    waits: PendingWaits
    status: StepStatus = "running"
    input: JsonValue = None
    given: JsonText | None = None
    output: JsonText | None = None
    error: str | None = None
    attempts: int = 0
    delays: list[tuple[float, float]] = field(default_factory=list)
    effect: bool = False
    refused: bool = False
    ports: tuple[str, ...] = ()
    paused_ms: float = 0
    seen_ms: float | None = None
    woken_by: str | None = None


class Steps:
    """All steps by id, `failing` those that end the execution, and `changes`, which grows with all that moves."""

    def __init__(self) -> None:
        self.by_id: dict[str, Ran] = {}
        self.failing: list[str] = []
        self.changes = 0

    def start(self, ran: Ran) -> None:
        """A step that begins."""
        self.by_id[ran.step_id] = ran
        self.changes += 1

    def fail(self, ran: Ran, message: str) -> Generator[None, None, NoReturn]:
        """Fails the step and with it the execution; never gets anywhere."""
        ran.status, ran.error = "failed", message
        self.failing.append(ran.step_id)
        self.changes += 1
        while True:
            yield

    def abandon(self) -> None:
        """Ends what has not ended: failed around a failing step, cancelled elsewhere."""
        for ran in self.by_id.values():
            if ran.status in {"running", "paused"}:
                around = any(step_id.startswith(f"{ran.step_id}[") for step_id in self.failing)
                ran.status = "failed" if around else "cancelled"
                ran.error = "a step inside failed" if around else None
