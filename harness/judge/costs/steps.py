"""The laws of a step: within the limits, as dear late as early, in long executions and behind a long history. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median
from typing import Final

from cutover.harness.judge.costs.faults import CostFault, told
from cutover.harness.judge.costs.limits import CostLimits
from cutover.harness.judge.costs.quantities import OVER_CONNECTIONS, ROWS, Quantity, amounts, mean, of_traffic
from cutover.harness.record.costs import PlayCosts, Traffic

__all__ = ["steps_against_control", "steps_within_limits"]

_KINDS: Final = frozenset({"chain", "items", "repeat"})
_LONG: Final = 20
"""Steps that a play must have to tell how dear one is: what an execution costs once is then a small part of it."""
_NEW_CONNECTIONS: Final = 0.1
"""Connections a step: one that was lost is opened again, one more for each tenth step is not lost."""


def steps_within_limits(plays: Sequence[PlayCosts], limits: CostLimits) -> Iterator[CostFault]:
    """Yields what is wrong with the steps of one engine's plays."""
    uniform = [play for play in plays if play.kind in _KINDS]
    for play in uniform:
        steps = [step for command in play.commands for step in command.steps]
        if play.calls >= _LONG:
            yield from _too_dear(play, steps, limits)
            yield from _dearer_late(play, steps, limits)
    for kind in _KINDS:
        for shorter, longer in pairwise(_by_length(uniform, kind)):
            yield from _dearer_than(longer, shorter, limits)
    for play in uniform:
        first = next(each for each in uniform if (each.kind, each.length) == (play.kind, play.length))
        if play is not first:
            yield from _dearer_than(play, first, limits)
    for play in plays:
        if play.kind == "payload":
            yield from _sent_often(play, plays, limits)


def steps_against_control(
    plays: Sequence[PlayCosts], control: Sequence[PlayCosts], limits: CostLimits
) -> Iterator[CostFault]:
    """Yields where a step of the candidate is so many times as dear as the same step of the control."""
    for play in plays:
        other = next((each for each in control if each.play == play.play and each.calls == play.calls), None)
        if play.kind not in _KINDS or play.calls < _LONG or other is None or other.problem:
            continue
        theirs = amounts(other)
        for quantity, value in amounts(play).items():
            if quantity.id not in {"round_trips", "rows_read"} or quantity not in theirs:
                continue
            if value > limits.times_control * theirs[quantity] + quantity.slack:
                yield CostFault(
                    play.play,
                    f"{play.play}: {told(value)} {quantity.words} a step, {told(theirs[quantity])} for the control",
                    {"candidate": value, "control": theirs[quantity]},
                )


def _by_length(plays: Sequence[PlayCosts], kind: str) -> list[PlayCosts]:
    """Returns the first play of each length, the shortest first."""
    found: dict[int, PlayCosts] = {}
    for play in plays:
        if play.kind == kind:
            found.setdefault(play.length, play)
    return [found[length] for length in sorted(found)]


def _too_dear(play: PlayCosts, steps: Sequence[Traffic], limits: CostLimits) -> Iterator[CostFault]:
    whole = amounts(play)
    for quantity in (*OVER_CONNECTIONS, *ROWS):
        if quantity in ROWS and quantity not in whole:
            continue
        value = whole[quantity] if quantity in ROWS else mean(map(of_traffic(quantity), steps))
        limit: float = getattr(limits, f"{quantity.id}_a_step")
        if value > limit + quantity.slack:
            yield _above(play, value, f"{quantity.words} a step", limit)
    opened = mean(step.connections for step in steps)
    if opened > _NEW_CONNECTIONS:
        yield _above(play, opened, "new connections a step", _NEW_CONNECTIONS)


def _above(play: PlayCosts, value: float, words: str, limit: float) -> CostFault:
    message = f"{play.play}: {told(value)} {words}, at most {told(limit)} allowed"
    return CostFault(play.play, message, {"value": value, "limit": limit})


def _dearer_late(play: PlayCosts, steps: Sequence[Traffic], limits: CostLimits) -> Iterator[CostFault]:
    """The first third of the steps against the last; by medians, for one that reconnects is dear once."""
    third = len(steps) // 3
    for quantity in OVER_CONNECTIONS:
        early, late = (median(map(of_traffic(quantity), part)) for part in (steps[:third], steps[-third:]))
        if _grown(quantity, early, late, limits):
            yield CostFault(
                play.play,
                f"{play.play}: {told(early)} {quantity.words} a step at first, {told(late)} at the end",
                {"early": early, "late": late, "steps": len(steps)},
            )


def _dearer_than(play: PlayCosts, other: PlayCosts, limits: CostLimits) -> Iterator[CostFault]:
    """One play against another, which is shorter or came earlier."""
    before = amounts(other)
    for quantity, late in amounts(play).items():
        early = before.get(quantity)
        if early is not None and _grown(quantity, early, late, limits):
            yield CostFault(
                play.play,
                f"{play.play}: {told(late)} {quantity.words} a step, {told(early)} in {other.play}",
                {"early": early, "late": late, "executions_before": play.before},
            )


def _grown(quantity: Quantity, early: float, late: float, limits: CostLimits) -> bool:
    return late > limits.growth * early + quantity.slack


def _sent_often(play: PlayCosts, plays: Sequence[PlayCosts], limits: CostLimits) -> Iterator[CostFault]:
    """How often each output is sent, by what large outputs cost more than small ones."""
    small = next((each for each in plays if each.kind == "chain"), None)
    if small is None or not play.payload_bytes > small.payload_bytes:
        return
    sent = OVER_CONNECTIONS[3]
    more = amounts(play)[sent] - amounts(small)[sent]
    copies, limit = more / (play.payload_bytes - small.payload_bytes), limits.copies_of_a_payload
    if copies > limit:
        message = f"{play.play}: each output is sent {told(copies)} times, at most {told(limit)} allowed"
        yield CostFault(play.play, message, {"copies": copies, "payload_bytes": play.payload_bytes})
