"""What plays ask of an engine, and how they end where that is not offered. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Final

from cutover.harness.record.plays import PlayRecord
from cutover.harness.run.side.plays.performance import WORKERS, NotOffered

__all__ = ["as_offered", "asks"]

_ALL: Final = frozenset({"one_per_process"})
"""Every play makes more than one engine in its process."""
_OWN: Final[Mapping[str, frozenset[str]]] = {
    **dict.fromkeys(("overtaken", "taken_by_signal", "overtaken_asleep", "signalled_asleep", "held"), WORKERS),
    **dict.fromkeys(("live", "long", "due_inside", "used_too_late"), WORKERS),
    **dict.fromkeys(("twice", "one_id", "ids"), frozenset({"signal_ids"})),
    "cancelled": frozenset({"cancel"}) | WORKERS,
    "ended": frozenset({"cancel"}),
    **dict.fromkeys(("damaged", "held_up"), frozenset({"checkpoints"})),
    "measured": frozenset({"metrics"}),
}


def asks(name: str) -> frozenset[str]:
    """Returns what the play of this name asks for beside what its scenarios need (`cutover.scenarios.needs`)."""
    return _OWN.get(name, frozenset()) | _ALL


def as_offered(rows: Iterable[PlayRecord]) -> Iterator[PlayRecord]:
    """Yields the rows of a play up to where it asks for something that the engine does not offer."""
    with suppress(NotOffered):
        yield from rows
