"""The two scenarios at the far end of size: one of very many steps, one of a very large payload. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, TypeAlias

from cutover.engines.api import ConditionNode, JoinNode, JsonValue, LoopNode
from cutover.scenarios.generated.draft import Draft, DraftLevel, End, Place
from cutover.scenarios.model import Response

__all__ = ["LARGE_BYTES", "MANY_STEPS", "Tail", "lengthen"]

Tail: TypeAlias = Literal["steps", "payload"]
MANY_STEPS: Final = 1_000
LARGE_BYTES: Final = 1_000_000
_WORDS: Final = "the parcel left the warehouse and the customer was told; "
_ITERATION: Final = 4
_CALM: Final = Place(retries=False)


def lengthen(draft: Draft, level: DraftLevel, ends: Sequence[End], tail: Tail) -> list[End]:
    """A loop over more than a hundred items and a chain, together of that many steps; or one large answer."""
    draft.tags.add("large")
    return _many(draft, level, ends) if tail == "steps" else _much(draft, level, ends)


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
