"""Features of the language in pairs, one inside the other where that is possible. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import Final, Literal, TypeAlias, get_args

from cutover.engines.api import ActivityNode, JoinNode, JsonValue, LoopNode, WaitNode
from cutover.scenarios.generated.draft import Draft, DraftLevel, End, Place
from cutover.scenarios.model import PlannedSignal, Response

__all__ = ["FEATURES", "PAIRS", "Feature", "combine"]

Feature: TypeAlias = Literal[
    "parallel branches", "nested loops", "three iterations", "two activities", "wait", "signal", "retry"
]
FEATURES: Final[tuple[Feature, ...]] = get_args(Feature)
PAIRS: Final = tuple(combinations(FEATURES, 2))
"""The first of each is the one around the other, where it has an inside."""
_CALM: Final = Place(retries=False)
"""Where nothing is tried again unless a pair asks for it."""
_Inner: TypeAlias = "Callable[[DraftLevel, Sequence[End]], list[End]]"


def combine(draft: Draft, level: DraftLevel, ends: Sequence[End], pair: tuple[Feature, Feature]) -> list[End]:
    """Both features after the ends; all that is there runs."""
    first, second = pair

    def inner(level: DraftLevel, ends: Sequence[End]) -> list[End]:
        return _BLOCKS[second](draft, level, ends, plain)

    def plain(level: DraftLevel, ends: Sequence[End]) -> list[End]:
        return [(draft.activity(level, ends, _CALM), "out")]

    if first in _AROUND:
        return _BLOCKS[first](draft, level, ends, inner)
    return inner(level, _BLOCKS[first](draft, level, ends, plain))


def _parallel(draft: Draft, level: DraftLevel, ends: Sequence[End], inner: _Inner) -> list[End]:
    branches = [*inner(level, ends), (draft.activity(level, ends, _CALM), "out")]
    join = draft.name("gather")
    level.add(JoinNode(id=join), branches)
    return [(join, "out")]


def _each(draft: Draft, level: DraftLevel, ends: Sequence[End], inner: _Inner, count: int) -> list[End]:
    items: list[JsonValue] = [{"sku": f"sku-{i}", "qty": i + 1} for i in range(count)]
    source = draft.activity(level, ends, _CALM, answers=[Response(output={"lines": items})] * len(level.prefixes))
    loop = draft.name("each_line")
    draft.tags.add("loop")
    body = level.inside(loop, count)
    inner(body, [("start", "out")])
    level.add(LoopNode(id=loop, items="lines", body=body.workflow()), [(source, "out")])
    return [(loop, "out")]


def _nested(draft: Draft, level: DraftLevel, ends: Sequence[End], inner: _Inner) -> list[End]:
    def deeper(body: DraftLevel, ends: Sequence[End]) -> list[End]:
        return _each(draft, body, ends, inner, 2)

    return _each(draft, level, ends, deeper, 2)


def _three(draft: Draft, level: DraftLevel, ends: Sequence[End], inner: _Inner) -> list[End]:
    return _each(draft, level, ends, inner, 3)


def _two(draft: Draft, level: DraftLevel, ends: Sequence[End], inner: _Inner) -> list[End]:
    del inner
    first = draft.activity(level, ends, _CALM)
    return [(draft.activity(level, [(first, "out")], _CALM), "out")]


def _wait(draft: Draft, level: DraftLevel, ends: Sequence[End], inner: _Inner) -> list[End]:
    del inner
    node = draft.name("pause")
    draft.tags.add("wait")
    level.add(WaitNode(id=node, timeout_ms=draft.details.between(1_000, 90_000)), ends)
    return [(node, "out")]


def _signal(draft: Draft, level: DraftLevel, ends: Sequence[End], inner: _Inner) -> list[End]:
    del inner
    node = draft.name("await_answer")
    draft.tags.add("wait")
    signal = f"answered.{node}"
    level.add(WaitNode(id=node, signal=signal), ends)
    draft.signals += [
        PlannedSignal(id=f"{node}-{i}", name=signal, payload=draft.value()) for i in range(len(level.prefixes))
    ]
    return [(node, "out")]


def _retry(draft: Draft, level: DraftLevel, ends: Sequence[End], inner: _Inner) -> list[End]:
    del inner
    node = draft.name("try")
    draft.tags.add("retry")
    policy = draft.policy()
    level.add(ActivityNode(id=node, activity=f"{level.id}.{node}", retry=policy), ends)
    failures = draft.errors(draft.dice.between(1, min(2, policy.max_retries)))
    draft.world[level.path(node)] = (*failures, draft.answer())
    return [(node, "out")]


_PairBlock: TypeAlias = Callable[[Draft, DraftLevel, Sequence[End], _Inner], list[End]]
_BLOCKS: Final[Mapping[Feature, _PairBlock]] = {
    "parallel branches": _parallel,
    "nested loops": _nested,
    "three iterations": _three,
    "two activities": _two,
    "wait": _wait,
    "signal": _signal,
    "retry": _retry,
}
_AROUND: Final = frozenset({"parallel branches", "nested loops", "three iterations"})
