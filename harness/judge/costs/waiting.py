"""The laws of waiting: what an execution may hold while it is inside an activity, and what a pause may cost. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from cutover.harness.judge.costs.faults import CostFault, told
from cutover.harness.judge.costs.limits import CostLimits
from cutover.harness.judge.costs.quantities import OVER_CONNECTIONS, ROWS, amounts, mean, of_tables, of_traffic
from cutover.harness.record.costs import PlayCosts, Traffic

__all__ = ["holds_nothing", "pauses_within_limits", "steps_beside_signals", "wakes_alone"]

_READ: Final = ROWS[0]
_SEEN: Final = 3
"""How often a wait for a lock is seen before it counts; one may be over a row that both are the first to write."""


def holds_nothing(plays: Sequence[PlayCosts]) -> Iterator[CostFault]:
    """Yields the plays in which a transaction or a lock was held that others may need."""
    for play in plays:
        held = sum(command.open_calls for command in play.commands)
        if held:
            message = f"{play.play}: a transaction was open during {held} of {play.calls} activity calls"
            yield CostFault(play.play, message, {"open": held, "calls": play.calls})
        if play.blocked:
            message = f"while one execution was inside an activity, another one waited for {play.blocked}"
            yield CostFault(play.play, message, {"blocked": play.blocked})
        if play.lock_waits >= _SEEN:
            message = f"two executions at once were seen to wait for each other's locks {play.lock_waits} times"
            yield CostFault(play.play, message, {"lock_waits": play.lock_waits})


def pauses_within_limits(plays: Sequence[PlayCosts], limits: CostLimits) -> Iterator[CostFault]:
    """Yields the dearest pause of each play that is dearer than allowed: of a wait, or before another attempt."""
    for play in plays:
        dearest = max(_pauses(play, limits), default=0.0)
        if dearest > limits.round_trips_a_pause:
            yield CostFault(
                play.play,
                f"{play.play}: {told(dearest)} round trips at one pause, "
                f"at most {told(limits.round_trips_a_pause)} allowed",
                {"round_trips": dearest},
            )


def wakes_alone(plays: Sequence[PlayCosts], limits: CostLimits) -> Iterator[CostFault]:
    """Yields the plays in which a wake-up reads more rows than in the same play before others were left waiting."""
    first: dict[tuple[int, int], PlayCosts] = {}
    for play in plays:
        if play.kind != "waits" or play.tables is None:
            continue
        earlier = first.setdefault((play.length, len(play.commands)), play)
        before, now = (of_tables(_READ, each.tables) / play.length for each in (earlier, play) if each.tables)
        if now > limits.growth * before + _READ.slack:
            yield CostFault(
                play.play,
                f"{play.play}: {told(now)} rows read for each pause, {told(before)} in {earlier.play}",
                {"now": now, "before": before, "executions_before": play.before},
            )


def steps_beside_signals(plays: Sequence[PlayCosts], limits: CostLimits) -> Iterator[CostFault]:
    """Yields what a step costs more where signals are kept that it has nothing to do with.

    Rows are those of the longer of two such plays beyond the shorter one, which have as many signals.
    """
    chains = [play for play in plays if play.kind == "chain"]
    kept = sorted((play for play in plays if play.kind == "kept"), key=lambda play: play.calls)
    if not chains or not kept:
        return
    alone, shorter, longer = chains[0], kept[0], kept[-1]
    usual, less, more = amounts(alone), amounts(shorter), amounts(longer)
    steps = [step for command in longer.commands for step in command.steps]
    beside = {quantity: mean(map(of_traffic(quantity), steps)) for quantity in OVER_CONNECTIONS}
    if longer.calls > shorter.calls:
        for quantity in ROWS if usual.keys() & less.keys() & more.keys() >= set(ROWS) else ():
            spent = more[quantity] * longer.calls - less[quantity] * shorter.calls
            beside[quantity] = spent / (longer.calls - shorter.calls)
    for quantity, value in beside.items():
        if value > limits.growth * usual[quantity] + quantity.slack:
            yield CostFault(
                longer.play,
                f"{longer.play}: {told(value)} {quantity.words} a step beside signals that are kept, "
                f"{told(usual[quantity])} in {alone.play}",
                {"beside": value, "alone": usual[quantity], "signals": len(longer.commands) - 1},
            )


def _pauses(play: PlayCosts, limits: CostLimits) -> Iterator[float]:
    """The round trips of each pause, without what its command's other steps may cost."""
    for command in play.commands:
        if play.kind == "waits":
            yield Traffic.total(command.parts).round_trips - limits.round_trips_a_step * command.calls
        elif play.kind == "retries":
            yield from (step.round_trips for step in command.steps)
