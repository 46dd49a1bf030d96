"""How much memory a worker process needed with each engine, and what share of what it may have that is. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cutover.engines.roles import Role

__all__ = ["Weighed", "utilisation"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """One process that did nothing but run executions of one engine; all in KiB.

    `peak_kib` is the most that was ever resident, the harness's own code in it, `idle_kib` the same before the engine
    was made. `limit_kib` is the least of the machine's memory and of what its control groups allow.
    """

    role: Role
    executions: int
    idle_kib: int
    peak_kib: int
    limit_kib: int


def utilisation(weighed: Iterable[Weighed], role: Role = "candidate") -> float | None:
    """Returns the peak of a role's process over its limit; None where it was not measured."""
    for each in weighed:
        if each.role == role and each.executions and each.peak_kib > 0 and each.limit_kib > 0:
            return each.peak_kib / each.limit_kib
    return None
