"""How an execution stands after a command, as the test is told. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from cutover.harness.conformance.session.targets import END_STATES, Cell
from cutover.harness.record.cases import Ended

__all__ = ["SessionStatus"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionStatus:
    """How things stand after a command.

    `state` is what `StateClassifier` calls it. `calls` counts the command's activity calls; `changed` says whether any
    row changed. `committed` are the scopes and states ("step", "paused") in which rows were seen, `looks` counts the
    reads of the journal at which they were. `signal` is the planned signal that a paused wait awaits, by id; `timer`
    says that the next thing to happen is a timer. `killed_at` is the cell at which the worker was killed, `seen` are
    those that it passed without a death.
    """

    ended: Ended = "returned"
    error_type: str = ""
    message: str = ""
    state: str = "none"
    calls: int = 0
    changed: bool = False
    committed: tuple[tuple[str, str], ...] = ()
    looks: int = 0
    failed: bool = False
    signal: str | None = None
    timer: bool = False
    delivered: tuple[str, ...] = ()
    killed_at: Cell | None = None
    seen: tuple[Cell, ...] = ()

    @property
    def over(self) -> bool:
        """Whether the execution is in an end state."""
        return self.state in END_STATES
