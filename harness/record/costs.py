"""What executions cost an engine, in counts: round trips, bytes, rows, connections, and its process's size. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Literal, Self, TypeAlias

from cutover.engines.roles import Role

__all__ = ["CommandCosts", "CostKind", "PlayCosts", "ProcessSize", "TableCounts", "Traffic"]

CostKind: TypeAlias = Literal[
    "chain", "items", "repeat", "retries", "waits", "kept", "payload", "many", "beside", "contended", "none"
]
"""What a play is about. `chain`: activities one after another. `items`, `repeat`: a loop of either kind. `retries`: an
activity that fails first. `waits`: activities and pauses in turn. `kept`: a chain beside early signals that nobody
has used. `payload`: a chain with large outputs. `many`: many
executions in one process. `beside`: an execution while another one is inside an activity. `contended`: two processes,
an execution each. `none`: nothing could be measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What went over an engine's connections between two moments.

    A round trip is a request with its answer; a transaction has ended when no other is open after a round trip;
    `connections` are those that were opened.
    """

    round_trips: int = 0
    statements: int = 0
    transactions: int = 0
    bytes_sent: int = 0
    bytes_received: int = 0
    connections: int = 0

    def __sub__(self, earlier: Traffic) -> Traffic:
        return Traffic(**{name: getattr(self, name) - getattr(earlier, name) for name in _TRAFFIC})

    @classmethod
    def total(cls, parts: Iterable[Traffic]) -> Self:
        """Returns the sum."""
        every = tuple(parts)
        return cls(**{name: sum(getattr(part, name) for part in every) for name in _TRAFFIC})


_TRAFFIC = tuple(each.name for each in fields(Traffic))


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandCosts:
    """One command, `execute` or `resume`.

    `parts` are cut at its activity calls: the first is what came before the first call, the last what came after the
    last one, and each between them is a step. So there is one more than calls. `open_calls` counts the calls during
    which a transaction was open.
    """

    parts: tuple[Traffic, ...]
    open_calls: int = 0

    @property
    def calls(self) -> int:
        """How many activity calls were made."""
        return len(self.parts) - 1

    @property
    def steps(self) -> tuple[Traffic, ...]:
        """The parts between two calls."""
        return self.parts[1:-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class TableCounts:
    """What a play did to the rows of its database's tables, by the server's statistics.

    `read` are rows of sequential scans, `entries` those that index scans returned, `fetched` the rows that were then
    looked at.
    """

    read: int
    entries: int
    fetched: int
    inserted: int
    updated: int
    deleted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSize:
    """How large an engine's process was after so many executions.

    `connections` are the open ones, `prepared` the statements that the server keeps for them by name, `locks` those
    that their sessions hold.
    """

    executions: int
    threads: int
    descriptors: int
    resident_kib: int
    connections: int
    prepared: int = 0
    locks: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayCosts:
    """What one play cost one engine, all in one process, with connections of its own.

    `length` is how many activities each execution has, or iterations, or pauses of kind `waits`; `before` how many
    executions were in the tables already; `payload_bytes` the size of an activity's output. `tables` is None where the
    server does not count in time. `blocked` says what an execution waited for while another was inside an activity,
    empty where it ended; `lock_waits` counts how often one of two executions was seen waiting for a lock.
    `problem` says why the play tells nothing, empty where it went to its end.
    """

    role: Role
    play: str
    kind: CostKind
    length: int = 0
    before: int = 0
    payload_bytes: int = 0
    commands: tuple[CommandCosts, ...] = ()
    tables: TableCounts | None = None
    sizes: tuple[ProcessSize, ...] = ()
    blocked: str = ""
    lock_waits: int = 0
    problem: str = ""

    @property
    def calls(self) -> int:
        """How many activity calls were made in all."""
        return sum(command.calls for command in self.commands)

    @property
    def traffic(self) -> Traffic:
        """Everything that went over the connections."""
        return Traffic.total(part for command in self.commands for part in command.parts)
