"""The scenarios at the far end: very many steps, a very large payload, very many pauses, very wide. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal, TypeAlias

from cutover.engines.api import ConditionNode, JoinNode, JsonValue, LoopNode, WaitNode
from cutover.scenarios.generated.draft import Draft, DraftLevel, End, Place
from cutover.scenarios.model import PlannedSignal, Response

__all__ = ["LARGE_BYTES", "MANY_BRANCHES", "MANY_PAUSES", "MANY_STEPS", "Tail", "lengthen"]

Tail: TypeAlias = Literal["steps", "payload", "pauses", "branches"]
MANY_STEPS: Final = 1_000
LARGE_BYTES: Final = 1_000_000
MANY_BRANCHES: Final = 65
"""At least so many lead away from one step, and to one: more than 64 bits tell apart."""
MANY_PAUSES: Final = 30
"""At least so many: each is a command to the engine, and a worker that takes over."""
_WORDS: Final = "the parcel left the warehouse and the customer was told; "
_ITERATION: Final = 4
_CALM: Final = Place(retries=False)


def lengthen(draft: Draft, level: DraftLevel, ends: Sequence[End], tail: Tail) -> list[End]:
    """A loop over many items and a chain, together of that many steps; a large answer; many waits; wide fans."""
    draft.tags.add("large")
    return _TAILS[tail](draft, level, ends)


def _many(draft: Draft, level: DraftLevel, ends: Sequence[End]) -> list[End]:
    """Iterations of four steps each, one of them an activity; the chain is what is left over."""
    items: list[JsonValue] = [{"sku": f"sku-{i}", "qty": i % 7} for i in range(draft.dice.between(235, 245))]
    source = draft.activity(level, ends, _CALM, answers=[Response(output={"lines": items})])
    loop = draft.name("each_line")
    draft.tags.add("loop")
    body = level.inside(loop, len(items))
    reserve, decide, merge = (draft.name(word) for word in ("reserve_stock", "decide", "merge"))
    body.call(reserve, [("start", "out")])
    draft.world[body.path(reserve)] = (Response(output="reserved", echo=True),)
    body.add(ConditionNode(id=decide, expression="value == 'reserved'"), [(reserve, "out")])
    body.add(JoinNode(id=merge), [(decide, "true"), (decide, "false")])
    level.add(LoopNode(id=loop, items="lines", body=body.workflow()), [(source, "out")])
    end: list[End] = [(loop, "out")]
    for _ in range(MANY_STEPS - _ITERATION * len(items)):
        node = draft.name("close_ticket")
        level.call(node, end)
        draft.world[level.path(node)] = (Response(output="closed", echo=True),)
        end = [(node, "out")]
    return end


def _much(draft: Draft, level: DraftLevel, ends: Sequence[End]) -> list[End]:
    """Records of different lengths, so that nothing about them can be guessed from their number."""
    records: list[JsonValue] = []
    size = 0
    while size < LARGE_BYTES:
        text = _WORDS * draft.details.between(5, 60)
        records.append({"line": len(records), "text": text})
        size += len(text)
    node = draft.name("archive_document")
    level.call(node, ends)
    draft.world[level.path(node)] = (Response(output={"records": records}),)
    last = draft.name("send_receipt")
    level.call(last, [(node, "out")])
    draft.world[level.path(last)] = (Response(output="sent"),)
    return [(last, "out")]


def _often(draft: Draft, level: DraftLevel, ends: Sequence[End]) -> list[End]:
    """Rounds that wait for a signal and then for a timer each."""
    rounds = MANY_PAUSES // 2 + draft.details.between(0, 5)
    source = draft.activity(level, ends, _CALM, answers=[Response(output={"rounds": list(range(rounds))})])
    loop = draft.name("each_round")
    draft.tags |= {"loop", "wait"}
    body = level.inside(loop, rounds)
    asked, rested, noted = (draft.name(word) for word in ("await_approval", "rest", "note_round"))
    body.add(WaitNode(id=asked, signal=f"approved.{asked}"), [("start", "out")])
    body.add(WaitNode(id=rested, timeout_ms=draft.details.pick((60_000, 3_600_000))), [(asked, "out")])
    body.call(noted, [(rested, "out")])
    draft.world[body.path(noted)] = (Response(output="noted", echo=True),)
    draft.signals += [
        PlannedSignal(id=f"{asked}-{i}", name=f"approved.{asked}", payload={"round": i}) for i in range(rounds)
    ]
    level.add(LoopNode(id=loop, items="rounds", body=body.workflow()), [(source, "out")])
    return [(loop, "out")]


def _wide(draft: Draft, level: DraftLevel, ends: Sequence[End]) -> list[End]:
    """Branches by one port, and as many by a port each; all that a branch has is a join, so that none takes a call."""
    width = MANY_BRANCHES + draft.details.between(0, 5)
    ports = tuple(f"part_{i}" for i in range(width))
    for taken in (ports, ("out",) * width):
        answers = [Response(output=draft.value(), ports=tuple(dict.fromkeys(taken)))]
        source = draft.activity(level, ends, _CALM, answers=answers)
        branches = [draft.name("branch") for _ in taken]
        for branch, port in zip(branches, taken, strict=True):
            level.add(JoinNode(id=branch), [(source, port)])
        join = draft.name("gather")
        level.add(JoinNode(id=join), [(branch, "out") for branch in branches])
        ends = [(join, "out")]
    return list(ends)


_TAILS: Final[Mapping[Tail, Callable[[Draft, DraftLevel, Sequence[End]], list[End]]]] = {
    "steps": _many,
    "payload": _much,
    "pauses": _often,
    "branches": _wide,
}
