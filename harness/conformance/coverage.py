"""Which transitions and which cells of state by kill point a run of sessions has hit, and which are missing. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from cutover.harness.conformance.session.status import SessionStatus
from cutover.harness.conformance.session.targets import Cell
from cutover.harness.judge.checks.sm import LEGAL
from cutover.harness.record.cases import CaseRecord, PointKind

__all__ = ["CORE", "StateCoverage", "Transition"]

Transition: TypeAlias = tuple[str, str, str, str]
"""(scope, from, event, to)."""

_STATES: Final = ("running", "paused", "completed", "failed", "cancelled")
_ROUND_TRIP: Final[tuple[PointKind, ...]] = ("request", "answer")

CORE: Final[frozenset[Cell]] = frozenset(
    {
        ("running", "call"),
        ("running", "reply"),
        *((state, kind) for state in _STATES for kind in _ROUND_TRIP),
    }
)
"""The cells that every engine has, whatever was passed in one run."""
_OUTSIDE: Final = frozenset({"CANCEL"})
"""Events that come from outside, and so find an execution only as it is committed."""


@dataclass(slots=True)
class StateCoverage:
    """Counts over all sessions of one run; `directed` of them were played for what was missing.

    A cell is reachable when it is in CORE or when any worker passed it or died in it. A transition is reachable when it
    is legal; one by an event from outside only from a state in which committed rows were seen: nobody can cancel in a
    state that lasts no longer than inside a transaction. `looks` counts how often rows were read, at every round trip
    of the sessions that are observed. An engine without events need not make any transition.
    """

    sessions: int = 0
    directed: int = 0
    kills: int = 0
    unfired: int = 0
    restarts: int = 0
    rules: Counter[str] = field(default_factory=Counter)
    cells: Counter[Cell] = field(default_factory=Counter)
    seen: set[Cell] = field(default_factory=set)
    transitions: Counter[Transition] = field(default_factory=Counter)
    committed: set[tuple[str, str]] = field(default_factory=set)
    looks: int = 0
    history: bool = False

    def command(self, rule: str, now: SessionStatus, *, armed: bool) -> None:
        """Adds the result of one command; a death that was armed and found no such point is unfired."""
        self.rules[rule] += 1
        self.seen |= set(now.seen)
        self.committed |= set(now.committed)
        self.looks += now.looks
        if now.killed_at is not None:
            self.cells[now.killed_at] += 1
            self.kills += 1
        elif armed:
            self.unfired += 1

    def session(self, record: CaseRecord) -> None:
        """Adds a finished session."""
        self.sessions += 1
        events = record.arm.journal.events if record.arm.journal is not None else ()
        for row in events:
            if row.from_state is not None and row.event is not None and row.to_state is not None:
                self.history = True
                self.transitions[row.scope, row.from_state, row.event, row.to_state] += 1

    @property
    def reachable(self) -> frozenset[Cell]:
        """Every cell that should be hit."""
        return CORE | self.seen | self.cells.keys()

    @property
    def legal(self) -> frozenset[Transition]:
        """Every transition that should be hit."""
        return (LEGAL if self.history else frozenset()) - self.unreachable

    @property
    def unreachable(self) -> frozenset[Transition]:
        """Legal transitions that nobody outside could ask of this engine, as far as its rows were looked at."""
        return frozenset(each for each in LEGAL if each[2] in _OUTSIDE and each[:2] not in self.committed)

    def missing_cells(self) -> list[Cell]:
        """Reachable cells in which nobody died."""
        return sorted(self.reachable - self.cells.keys())

    def missing_transitions(self) -> list[Transition]:
        """Reachable transitions that were not made."""
        return sorted(self.legal - self.transitions.keys())

    def missing(self) -> tuple[str, ...]:
        """What was never hit, in words; empty where the run is conclusive."""
        lines = [f"no worker died at a {kind} while the execution was {state}" for state, kind in self.missing_cells()]
        lines += [
            f"no {scope} went {before} -{event}-> {after}" for scope, before, event, after in self.missing_transitions()
        ]
        if not self.sessions:
            lines.append("no session was finished")
        return tuple(lines)

    def table(self) -> str:
        """All counts, for people."""
        lines = [
            f"{self.sessions} executions, {self.kills} deaths, {self.restarts} restarts of the server",
            f"{self.directed} of the executions were aimed at what the examples had missed",
            f"{self.unfired} deaths were armed at points that the command did not reach",
            "state x kill point:",
            *(f"  {state:10} {kind:8} {self.cells[state, kind]:6}" for state, kind in sorted(self.reachable)),
            "transitions:" if self.history else "transitions: this engine keeps no events",
        ]
        for transition in sorted(self.legal):
            scope, before, event, after = transition
            lines.append(f"  {scope:10} {before:9} {event:9} {after:10} {self.transitions[transition]:6}")
        for scope, before, event, after in sorted(self.unreachable) if self.history else ():
            why = f"not reachable: {self.looks} looks at committed rows found no {scope} {before}"
            lines.append(f"  {scope:10} {before:9} {event:9} {after:10} {why}")
        return "\n".join(lines)
