"""What a durable engine promises, and how each promise stands after it was tried. Types only, pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = ["EnginePromises", "PromiseCell", "PromiseName", "PromiseStanding"]

PromiseName: TypeAlias = Literal["duplicates", "acknowledged", "fencing", "signals", "timers", "payloads"]
PromiseStanding: TypeAlias = Literal["held", "broken", "not offered", "not asked"]
"""`not offered`: the engine declares that it does not offer it. `not asked`: nothing that was played speaks of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseCell:
    """How one promise of one engine stands: on how many cases, and how many of them broke it.

    A case is an execution that was interrupted or not, or a play. `repeats` is the command that repeats one of them:
    the first that broke the promise, else the first of all; empty where there is none. `found` says what was found.
    """

    promise: PromiseName
    standing: PromiseStanding
    cases: int = 0
    broken: int = 0
    repeats: str = ""
    found: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnginePromises:
    """One engine: its spec, the name that it has, which has its version, and its promises in order.

    `lacks` is what it does not offer. `absent` says why it was not judged, where it was not; then there are no cells.
    """

    spec: str
    name: str
    cells: tuple[PromiseCell, ...] = ()
    lacks: tuple[str, ...] = ()
    absent: str = ""
