"""Blocks that plant boundary values: each form of specimen as a few nodes that always run. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from cutover.engines.api import (
    ActivityNode,
    Case,
    ConditionNode,
    JoinNode,
    JsonValue,
    LoopNode,
    WaitNode,
)
from cutover.scenarios.boundaries.limits import POLICIES
from cutover.scenarios.generated.draft import Draft, DraftLevel, End, Place
from cutover.scenarios.generated.specimens import Form, Specimen
from cutover.scenarios.inputs.limits import NAME_CHARACTERS
from cutover.scenarios.model import PlannedSignal, Response

__all__ = ["plant"]

_CALM: Final = Place(retries=False)
_DECOYS: Final = 3
"""Cases that are nearly the value, before the one that is."""


def plant(draft: Draft, level: DraftLevel, ends: Sequence[End], specimen: Specimen) -> list[End]:
    """The specimen's nodes after the ends; at most one of the ends that it gives is taken, and one is."""
    draft.tags.add("boundary")
    return _FORMS[specimen.form](draft, level, ends, specimen)


def _activity(draft: Draft, level: DraftLevel, ends: Sequence[End], specimen: Specimen) -> list[End]:
    """As many activities as there are names that look alike; beside the port that is taken, others that are not."""
    ids, activities, ports = (list(specimen.texts(where)) for where in ("step id", "activity", "port"))
    (output,) = specimen.values("output")
    for i in range(max(len(ids), len(activities), 1)):
        node = draft.named(ids[i]) if i < len(ids) else draft.name("handle")
        activity = activities[i] if i < len(activities) else draft.activity_of(node)
        value: JsonValue = output if i == 0 else draft.value()
        leave = (ports[i % len(ports)],)
        level.add(ActivityNode(id=node, activity=activity), ends)
        key = activity if draft.details.chance(0.5) and draft.free(activity) else level.path(node)
        draft.world[key] = (Response(output=value, ports=leave),)
        for port in ports[:2]:
            if port not in leave:
                draft.activity(level, [(node, port)], _CALM, word="never")
        ends = [(node, leave[0])]
    return list(ends)


def _error(draft: Draft, level: DraftLevel, ends: Sequence[End], specimen: Specimen) -> list[End]:
    draft.tags.add("error")
    for i, text in enumerate(specimen.texts("error")[:2]):
        node = _id(draft, specimen, i, "refuse")
        route = draft.details.chance(0.5)
        level.add(
            ActivityNode(id=node, activity=draft.activity_of(node), on_error="route" if route else "continue"), ends
        )
        draft.world[level.path(node)] = (Response(error=text, retryable=False),)
        ends = [(node, "error" if route else "out")]
    return list(ends)


def _case(draft: Draft, level: DraftLevel, ends: Sequence[End], specimen: Specimen) -> list[End]:
    """A condition on the value, with cases for others that are nearly equal before it, and the same case once more."""
    texts = specimen.texts("case")
    (boundary,) = specimen.planted["case"]
    value: JsonValue = texts[-1] if texts else boundary.value
    source = draft.activity(level, ends, _CALM, word="ask", answers=[Response(output={"status": value})])
    near = [*texts[:-1], *_near(value)][:_DECOYS]
    cases = [Case(port=f"near_{i}", value=other) for i, other in enumerate(near, start=1)]
    exact = value if isinstance(value, str | int | float) else None
    cases += [Case(port="equal", value=exact), Case(port="equal_too", value=exact)]
    node = _id(draft, specimen, 0, "compare")
    level.add(ConditionNode(id=node, expression="status", cases=tuple(cases)), [(source, "out")])
    return [(node, "equal")]


def _near(value: JsonValue) -> Iterator[str | int | float | bool | None]:
    """What is not the value though careless comparisons say so."""
    match value:
        case None:
            yield from ("", "null", False)
        case bool():
            yield from (int(value), str(value).lower(), not value)
        case str():
            ascii_alone = value.encode("ascii", "ignore").decode()
            others = (value.swapcase(), value.strip(), f"{value} ", value[:-1], ascii_alone)
            yield from dict.fromkeys(other for other in others if other != value)
        case int() | float():
            others_too = (str(value), bool(value), float(value), value + 1)
            yield from (other for other in others_too if isinstance(other, str | bool) or other != value)


def _signal(draft: Draft, level: DraftLevel, ends: Sequence[End], specimen: Specimen) -> list[End]:
    """A wait for each name side by side; the signals come in the other order."""
    draft.tags.add("wait")
    (payload,) = specimen.values("signal")
    signals: list[PlannedSignal] = []
    waits: list[End] = []
    for i, name in enumerate(specimen.texts("signal name")):
        node = _id(draft, specimen, i, "await_answer")
        level.add(WaitNode(id=node, signal=name), ends)
        told: JsonValue = payload if i == 0 else draft.value()
        signals.append(PlannedSignal(id=f"told-{len(draft.signals) + i}", name=name, payload=told))
        waits.append((node, "out"))
    draft.signals += reversed(signals)
    if len(waits) == 1:
        return waits
    join = draft.name("all_told")
    level.add(JoinNode(id=join), waits)
    return [(join, "out")]


def _loop(draft: Draft, level: DraftLevel, ends: Sequence[End], specimen: Specimen) -> list[End]:
    """A loop whose items and results are the values; the first item comes once more at the end."""
    values = specimen.values("item")
    items: list[JsonValue] = [*values, values[0]]
    source = draft.activity(level, ends, _CALM, word="list", answers=[Response(output={"lines": items})])
    draft.tags.add("loop")
    loop = _id(draft, specimen, 0, "for_each")
    body = level.inside(loop, len(items), "for_each")
    results: tuple[JsonValue, ...] = (*specimen.values("result"), draft.value())
    answers = [Response(output=result) for result in results]
    draft.activity(body, [("start", "out")], _CALM, word="treat", answers=answers)
    level.add(LoopNode(id=loop, items="lines", body=body.workflow()), [(source, "out")])
    return [(loop, "out")]


def _wait(draft: Draft, level: DraftLevel, ends: Sequence[End], specimen: Specimen) -> list[End]:
    """A wait that its timer ends; now and then a signal is awaited too, and does not come."""
    draft.tags.add("wait")
    (timeout,) = specimen.values("wait")
    node = _id(draft, specimen, 0, "pause")
    signal = f"never.{node}"[: NAME_CHARACTERS.most] if draft.details.chance(0.4) else None
    level.add(WaitNode(id=node, signal=signal, timeout_ms=timeout if isinstance(timeout, int) else None), ends)
    return [(node, "timeout" if signal else "out")]


def _retry(draft: Draft, level: DraftLevel, ends: Sequence[End], specimen: Specimen) -> list[End]:
    """An activity that fails as often as is asked; where its policy allows no more, its failure is passed over."""
    draft.tags.add("retry")
    (boundary,) = specimen.planted["retry"]
    limit = POLICIES[boundary.name]
    hopeless = limit.failures > limit.policy.max_retries
    node = _id(draft, specimen, 0, "try")
    level.add(
        ActivityNode(
            id=node,
            activity=draft.activity_of(node),
            retry=limit.policy,
            on_error="continue" if hopeless else "fail",
        ),
        ends,
    )
    last = () if hopeless else (draft.answer(),)
    draft.world[level.path(node)] = (*draft.errors(limit.failures), *last)
    return [(node, "out")]


def _id(draft: Draft, specimen: Specimen, number: int, word: str) -> str:
    """The id of the specimen's node of that number: the one planted, or a plain one."""
    texts = specimen.texts("step id")
    return draft.named(texts[number]) if number < len(texts) else draft.name(word)


_FORMS: Final[Mapping[Form, Callable[[Draft, DraftLevel, Sequence[End], Specimen], list[End]]]] = {
    "activity": _activity,
    "error": _error,
    "case": _case,
    "signal": _signal,
    "loop": _loop,
    "wait": _wait,
    "retry": _retry,
}
