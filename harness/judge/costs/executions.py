"""The laws of many executions: the last costs what the first did, and nothing of them stays in the process. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median
from typing import Final

from cutover.harness.judge.costs.faults import CostFault, told
from cutover.harness.judge.costs.limits import CostLimits
from cutover.harness.judge.costs.quantities import OVER_CONNECTIONS, mean, of_traffic
from cutover.harness.record.costs import PlayCosts, ProcessSize, Traffic

__all__ = ["executions_alike"]

_NOISE_KIB: Final = 1_024
"""By how much a process's memory changes for reasons of its own."""
_FEW: Final = 2
_SELDOM: Final = 0.05
"""Threads and the like a execution that may come to stay, beside a few: a pool that fills is none, a leak is one."""
_COUNTED: Final = {
    "threads": "more threads",
    "descriptors": "more open descriptors",
    "connections": "more open connections",
    "prepared": "more prepared statements",
    "locks": "more locks held",
}


def executions_alike(plays: Sequence[PlayCosts], limits: CostLimits) -> Iterator[CostFault]:
    """Yields what is wrong with one engine's plays of many executions."""
    for play in plays:
        if play.kind == "many":
            yield from _dearer(play, limits)
            yield from _connects(play, limits)
            if len(play.sizes) > 1:
                yield from _grows(play, play.sizes[0], play.sizes[-1], limits)


def _dearer(play: PlayCosts, limits: CostLimits) -> Iterator[CostFault]:
    """The first third of the executions against the last, by medians."""
    whole = [Traffic.total(command.parts) for command in play.commands]
    third = len(whole) // 3
    for quantity in OVER_CONNECTIONS if third else ():
        early, late = (median(map(of_traffic(quantity), part)) for part in (whole[:third], whole[-third:]))
        if late > limits.growth * early + quantity.slack:
            yield CostFault(
                play.play,
                f"{play.play}: {told(early)} {quantity.words} an execution at first, {told(late)} at the end",
                {"early": early, "late": late, "executions": len(whole)},
            )


def _connects(play: PlayCosts, limits: CostLimits) -> Iterator[CostFault]:
    opened = mean(Traffic.total(command.parts).connections for command in play.commands)
    if opened > limits.connections_an_execution:
        yield CostFault(
            play.play,
            f"{play.play}: {told(opened)} new connections an execution, "
            f"at most {told(limits.connections_an_execution)} allowed",
            {"value": opened, "limit": limits.connections_an_execution},
        )


def _grows(play: PlayCosts, early: ProcessSize, late: ProcessSize, limits: CostLimits) -> Iterator[CostFault]:
    """What of the process grew from one look at it to another."""
    number = late.executions - early.executions
    between = f"after {late.executions} executions than after {early.executions}"
    for name, words in _COUNTED.items():
        more = getattr(late, name) - getattr(early, name)
        if more > _FEW + _SELDOM * number:
            yield CostFault(play.play, f"{play.play}: {more} {words} {between}", {"more": more})
    kib = late.resident_kib - early.resident_kib
    if kib > _NOISE_KIB + limits.resident_kib_an_execution * number:
        yield CostFault(play.play, f"{play.play}: {kib:,} KiB more memory {between}", {"more_kib": kib})
