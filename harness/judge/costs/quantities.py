"""What is counted, by the words of reports: of traffic, and of rows. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from cutover.harness.record.costs import PlayCosts, TableCounts, Traffic

__all__ = ["OVER_CONNECTIONS", "ROWS", "Quantity", "amounts", "mean", "of_tables", "of_traffic"]


@dataclass(frozen=True, slots=True)
class Quantity:
    """One thing that is counted; `slack` is by how much one step or execution may differ from another anyway."""

    id: str
    words: str
    slack: float


OVER_CONNECTIONS: Final = (
    Quantity("round_trips", "round trips", 0.25),
    Quantity("statements", "statements", 0.25),
    Quantity("transactions", "transactions", 0.25),
    Quantity("bytes_sent", "bytes sent", 256),
    Quantity("bytes_received", "bytes received", 256),
)
ROWS: Final = (Quantity("rows_read", "rows read", 1), Quantity("rows_written", "rows written", 1))


def of_traffic(quantity: Quantity) -> Callable[[Traffic], float]:
    """Returns what reads it off some traffic."""
    return lambda traffic: float(getattr(traffic, quantity.id))


def of_tables(quantity: Quantity, counts: TableCounts) -> float:
    """Returns how many rows it is.

    Of index scans those count that were then fetched: the entries of dead rows stay for as long as a transaction of
    anybody's is open on the server, in whichever database.
    """
    if quantity.id == "rows_read":
        return counts.read + counts.fetched
    return counts.inserted + counts.updated + counts.deleted


def amounts(play: PlayCosts) -> dict[Quantity, float]:
    """Returns all that the whole play used, a step of it; the rows only where they were counted."""
    steps = max(play.calls, 1)
    whole = play.traffic
    found = {quantity: of_traffic(quantity)(whole) / steps for quantity in OVER_CONNECTIONS}
    if play.tables is not None:
        found |= {quantity: of_tables(quantity, play.tables) / steps for quantity in ROWS}
    return found


def mean(values: Iterable[float]) -> float:
    """Returns the mean; 0 of none."""
    every = tuple(values)
    return sum(every) / len(every) if every else 0.0
