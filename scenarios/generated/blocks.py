"""The blocks that a generated workflow is put together from: each takes loose ends and returns loose ends. Pure.

Where a block reads data (a condition, a loop over items), it brings the activity that answers with that data, so no
expression meets a shape that it does not know. Of the ends that a block returns at most one is taken unless it says so.
"""

from __future__ import annotations

from collections.abc import Sequence

from cutover.engines.api import Case, ConditionNode, Edge, JoinNode, JsonValue, LoopNode, WaitNode
from cutover.scenarios.generated.draft import Block, Draft, DraftLevel, End, Place
from cutover.scenarios.generated.failures import failing
from cutover.scenarios.generated.vocabulary import CHECKS, EXPRESSIONS, STATUSES
from cutover.scenarios.model import PlannedSignal, Response

__all__ = ["block", "block_or_gap", "chain", "loose_fork"]

_LOOP_DEPTH = 2
_GAPS = 30


def block(draft: Draft, level: DraftLevel, ends: Sequence[End], place: Place) -> list[End]:
    """One block, drawn among those that the budget and the scenario's features allow; an activity for the others."""
    drawn = draft.dice.pick(_BLOCKS)
    if drawn in {_each, _repeat}:
        allowed = draft.loops and len(level.loops) < _LOOP_DEPTH and draft.budget >= 3
    elif drawn is _wait:
        allowed = draft.waits
    else:
        allowed = draft.budget >= 3
    return (drawn if allowed else _activity)(draft, level, ends, place)


def block_or_gap(draft: Draft, level: DraftLevel, ends: Sequence[End], place: Place) -> list[End]:
    """One block, or rarely none: a failing example shrinks by turning blocks into gaps."""
    if draft.dice.between(0, _GAPS) == 0:
        draft.budget -= 1
        return list(ends)
    return block(draft, level, ends, place)


def chain(draft: Draft, level: DraftLevel, ends: Sequence[End], place: Place, most: int) -> list[End]:
    """Up to `most` blocks one after another, as far as the budget goes; perhaps none."""
    result = list(ends)
    for _ in range(draft.dice.between(0, most)):
        if draft.budget > 0:
            result = block_or_gap(draft, level, result, place)
    return result


def _activity(draft: Draft, level: DraftLevel, ends: Sequence[End], place: Place) -> list[End]:
    return [(draft.activity(level, ends, place), "out")]


def _wait(draft: Draft, level: DraftLevel, ends: Sequence[End], place: Place) -> list[End]:
    """A wait for a signal, a timer or both; a signal is planned for each of its runs, or the timer ends it."""
    node = draft.name("await_approval")
    draft.tags.add("wait")
    forms = ("signal", "signal in time", "timer", "too late") if place.timers else ("signal",)
    form = draft.dice.pick(forms)
    timeout = (
        None if form == "signal" else draft.details.pick((60_000, 1_000, 86_400_000)) + draft.details.between(0, 999)
    )
    signal = None if form == "timer" else f"approved.{node}"
    level.add(WaitNode(id=node, signal=signal, timeout_ms=timeout), ends)
    if form == "signal" and not level.loops and draft.dice.chance(0.05):
        draft.tags.add("left waiting")
    elif signal is not None and form != "too late":
        draft.signals += [
            PlannedSignal(id=f"{node}-{i}", name=signal, payload=draft.value()) for i in range(len(level.prefixes))
        ]
    return [(node, "out")] if form in {"signal", "timer"} else [(node, "out"), (node, "timeout")]


def _choice(draft: Draft, level: DraftLevel, ends: Sequence[End], place: Place) -> list[End]:
    """A condition with a branch for each port, some of them empty or not wired, then perhaps a join."""
    source, data = draft.decision(level, ends, place)
    node = draft.name("decide")
    cases: tuple[Case, ...] = ()
    expression = f"{data} | {draft.details.pick(EXPRESSIONS)}"
    if draft.dice.chance(0.3):
        expression = f"{data}.status"
        cases = tuple(Case(port=status or "none", value=status) for status in STATUSES[: draft.dice.pick((2, 3, 4))])
    level.add(ConditionNode(id=node, expression=expression, cases=cases), [(source, "out")])
    ports = [*(case.port for case in cases), "default"] if cases else ["true", "false"]
    if draft.dice.chance(0.15):
        ports.pop()
    return _gathered(draft, level, _branches(draft, level, [(node, port) for port in ports], place))


def _branches(draft: Draft, level: DraftLevel, heads: Sequence[End], place: Place) -> list[End]:
    return [end for head in heads for end in chain(draft, level, [head], place, 2)]


def _gathered(draft: Draft, level: DraftLevel, ends: list[End]) -> list[End]:
    """Ends of which at most one is taken: left to the next node, or brought together by a join of either mode."""
    if draft.budget < 1 or draft.dice.chance(0.6):
        return ends
    join = draft.name("merge")
    level.add(JoinNode(id=join, mode=draft.dice.pick(("all", "any"))), ends)
    return [(join, "out")]


def _beside(draft: Draft, place: Place) -> Place:
    timers = place.timers and not (draft.retries and place.retries and draft.dice.chance(0.5))
    return Place(beside=True, timers=timers, retries=place.retries and not (draft.waits and timers))


def _forked(draft: Draft, level: DraftLevel, ends: Sequence[End], place: Place) -> list[list[End]]:
    """Branches that are all taken: from one node by one port, or by the several ports that its response names."""
    count = 3 if draft.budget >= 5 and draft.dice.chance(0.3) else 2
    if draft.budget > count + 1 and draft.dice.chance(0.3):
        ports = tuple(f"part_{i + 1}" for i in range(count))
        answers = [Response(output=draft.value(), ports=ports) for _ in level.prefixes]
        split = draft.activity(level, ends, place, answers=answers)
        heads: list[list[End]] = [[(split, port)] for port in ports]
    else:
        heads = [list(ends)] * count
    inner = _beside(draft, place)
    draft.budget -= count
    results = []
    for head in heads:
        draft.budget += 1
        results.append(chain(draft, level, block(draft, level, head, inner), inner, 1))
    return results


def _fork(draft: Draft, level: DraftLevel, ends: Sequence[End], place: Place) -> list[End]:
    """Branches side by side that meet in a join, or in an activity with several predecessors."""
    draft.budget -= 1
    branches = _forked(draft, level, ends, place)
    draft.budget += 1
    meeting = [end for branch in branches for end in branch]
    if draft.dice.chance(0.3):
        return [(draft.activity(level, meeting, place), "out")]
    join = draft.name("gather")
    level.add(JoinNode(id=join), meeting)
    return [(join, "out")]


def loose_fork(draft: Draft, level: DraftLevel, ends: Sequence[End], place: Place) -> list[End]:
    """Branches side by side that never meet, so that the execution has several last nodes. All ends may be taken."""
    return [end for branch in _forked(draft, level, ends, place) for end in branch]


def _forgiven(draft: Draft, level: DraftLevel, ends: Sequence[End], place: Place) -> list[End]:
    """An activity that fails, and an execution that goes on."""
    return [(failing(draft, level, ends, place, on_error="continue"), "out")]


def _routed(draft: Draft, level: DraftLevel, ends: Sequence[End], place: Place) -> list[End]:
    """An activity with a branch for its failure, whether it fails or not."""
    if draft.dice.chance(0.5):
        node = failing(draft, level, ends, place, on_error="route")
    else:
        node = draft.activity(level, ends, place, on_error="route")
    return _gathered(draft, level, _branches(draft, level, [(node, "out"), (node, "error")], place))


def _each(draft: Draft, level: DraftLevel, ends: Sequence[End], place: Place) -> list[End]:
    """A loop over the items that the activity before it answers with."""
    count = draft.dice.pick((2, 1, 3, 0))
    items: list[JsonValue] = [{"sku": f"sku-{i}", "qty": i + 1} for i in range(count)]
    source = draft.activity(level, ends, place, answers=[Response(output={"lines": items})] * len(level.prefixes))
    loop = draft.name("each_line")
    draft.tags.add("loop")
    body = level.inside(loop, count)
    chain(draft, body, block(draft, body, [("start", "out")], place), place, 1)
    level.add(LoopNode(id=loop, items="lines", body=body.workflow()), [(source, "out")])
    return [(loop, "out")]


def _repeat(draft: Draft, level: DraftLevel, ends: Sequence[End], place: Place) -> list[End]:
    """A loop that polls until it is done or has enough; each run of it ends after the same number of iterations."""
    loop = draft.name("until_done")
    draft.tags.add("loop")
    count = draft.dice.pick((2, 1, 3))
    body = level.inside(loop, count)
    exits = ("done", "gave_up")
    last = [(i + 1) % count == 0 for i in range(len(body.prefixes))]
    by_port = draft.budget < 2 or draft.dice.chance(0.5)
    draft.budget -= 1 if by_port else 2
    entry = chain(draft, body, [("start", "out")], place, 1)
    draft.budget += 1 if by_port else 2
    chosen = draft.dice.pick(exits)
    words = [chosen if is_last else "again" for is_last in last]
    if by_port:
        answers = [Response(output=draft.value(), ports=(word,)) for word in words]
        leaving = draft.activity(body, entry, place, word=draft.details.pick(CHECKS), answers=answers)
    else:
        answers = [Response(output={"next": word}, echo=False) for word in words]
        check = draft.activity(body, entry, place, word=draft.details.pick(CHECKS), answers=answers)
        leaving = draft.name("decide")
        cases = tuple(Case(port=word, value=word) for word in ("again", *exits))
        body.add(ConditionNode(id=leaving, expression="next", cases=cases), [(check, "out")])
    body.edges += [Edge(source=leaving, port=word, target=f"$exit.{word}") for word in exits]
    body.edges.append(Edge(source=leaving, port="again", target="$again"))
    level.add(LoopNode(id=loop, repeat=True, body=body.workflow()), ends)
    return _gathered(draft, level, _branches(draft, level, [(loop, port) for port in exits], place))


_BLOCKS: tuple[Block, ...] = (
    *[_activity] * 4,
    *[_wait] * 3,
    *[_choice] * 3,
    *[_fork] * 3,
    *[_repeat] * 3,
    *[_each] * 3,
    _routed,
    _forgiven,
)
"""Plainest first. The list is the same whatever is allowed, so that a draw means the same block while it shrinks."""
