"""A play of what expressions come to, on values on which libraries of JMESPath differ. Calls engines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from cutover.engines.api import JsonValue, LoopNode, StartNode, Workflow
from cutover.harness.record.plays import PlayRecord
from cutover.harness.run.side.plays.performance import Performance, PlayStage
from cutover.harness.run.side.plays.workflows import chain

__all__ = ["EVALUATING"]

_GIVEN: Final[dict[str, JsonValue]] = {
    "car": "\U0001f69a",
    "word": "a\U0001f600b\U0001d54f",
    "names": ["\uff5e", "\U0001f600", "z", "\u00c9", "a"],
    "lines": [{"sku": "B", "qty": 2}, {"sku": "A", "qty": 10}],
    "numbers": [3, -1.5, 11.25],
    "object": {"b": 1, "a": 2},
    "digits": "12.5",
    "nothing": None,
}
"""Characters beyond the first 65,536 are two units to JavaScript, Java and C#, which also sort them before U+FF5E."""
_ON_TEXTS: Final = (
    "length(car)", "length(word)", "reverse(word)", "sort(names)", "max(names)", "min(names)", "join('-', names)",
    "starts_with(word, 'a')", "ends_with(word, '\U0001d54f')", "contains(word, '\U0001f600')", "to_string(word)",
    "to_number(digits)", "type(word)",
)  # fmt: skip
_ON_LISTS: Final = (
    "length(names)", "reverse(numbers)", "sort(numbers)", "sum(numbers)", "avg(numbers)", "max(numbers)",
    "contains(numbers, `3`)", "sort_by(lines, &qty)[*].sku", "sort_by(lines, &sku)[*].qty", "max_by(lines, &qty).sku",
    "min_by(lines, &sku).qty", "map(&qty, lines)", "to_array(word)", "names[::-1]", "names[1:3]", "names[-1]",
    "lines[?qty > `5`].sku", "lines[].sku", "lines[*].[sku, qty]",
)  # fmt: skip
_ON_OTHERS: Final = (
    "length(object)", "sort(keys(object))", "sort(values(object))", "merge(object, lines[0]).b", "ceil(`1.25`)",
    "floor(`-1.25`)", "abs(`-3`)", "not_null(nothing, word)", "nothing || word", "word && car", "!nothing",
    "word == 'a\U0001f600b\U0001d54f'", "nothing.more", "object.a | type(@)",
)  # fmt: skip


def evaluated(stage: PlayStage) -> Iterator[PlayRecord]:
    """JMESPath's functions on texts, lists and objects: each gives what its definition says, told in characters."""
    body = Workflow(id="value", nodes=(StartNode(id="start"),))
    for name, expressions in (("texts", _ON_TEXTS), ("lists", _ON_LISTS), ("other values", _ON_OTHERS)):
        scenario = chain("evaluated", LoopNode(id="each", items=f"[{', '.join(expressions)}]", body=body))
        play = Performance(
            stage, replace(scenario, input=_GIVEN), stage.engine(), check="DATA", name=f"expressions on {name}"
        )
        play.start()
        yield play.play()


EVALUATING = (evaluated,)
