"""What goes wrong in generated workflows: activities that never succeed, failed executions, races. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from cutover.engines.api import ActivityNode, ConditionNode, Edge, JoinNode, LoopNode, RetryPolicy
from cutover.scenarios.generated.draft import Block, Draft, DraftLevel, End, OnError, Place
from cutover.scenarios.generated.vocabulary import CHECKS
from cutover.scenarios.model import Response

__all__ = ["failing", "fatal", "race"]


def failing(draft: Draft, level: DraftLevel, ends: Sequence[End], place: Place, *, on_error: OnError) -> str:
    """Adds an activity that never succeeds; returns its id."""
    node = draft.name("call_provider")
    retry, responses = _hopeless(draft, place)
    level.add(ActivityNode(id=node, activity=f"{level.id}.{node}", retry=retry, on_error=on_error), ends)
    draft.world[level.path(node)] = responses
    draft.tags.add("error")
    return node


def _hopeless(draft: Draft, place: Place) -> tuple[RetryPolicy, tuple[Response, ...]]:
    """A policy and responses under which an activity never succeeds."""
    if draft.retries and place.retries and draft.dice.chance(0.5):
        policy = draft.policy()
        return policy, draft.errors(policy.max_retries + 1)
    if draft.dice.chance(0.3):
        return RetryPolicy(max_retries=0), (Response(error="no route to host"),)
    return RetryPolicy(), (
        Response(error="card declined", retryable=False, effect=True if draft.details.chance(0.1) else None),
    )


def fatal(draft: Draft, level: DraftLevel, ends: Sequence[End], place: Place) -> list[End]:
    """Something that fails the execution; nothing may run beside it."""
    draft.tags.add("fails")
    forms: tuple[Block, ...] = (
        _fatal_activity,
        _fatal_condition,
        _fatal_items,
        _fatal_body,
        _fatal_repeat,
    )
    return draft.dice.pick(forms)(draft, level, ends, place)


def _fatal_activity(draft: Draft, level: DraftLevel, ends: Sequence[End], place: Place) -> list[End]:
    return [(failing(draft, level, ends, place, on_error="fail"), "out")]


def _fatal_condition(draft: Draft, level: DraftLevel, ends: Sequence[End], place: Place) -> list[End]:
    source, data = draft.decision(level, ends, place)
    node = draft.name("decide")
    level.add(ConditionNode(id=node, expression=f"abs({data}.status)"), [(source, "out")])
    return [(node, "true"), (node, "false")]


def _fatal_items(draft: Draft, level: DraftLevel, ends: Sequence[End], place: Place) -> list[End]:
    source, data = draft.decision(level, ends, place)
    return _fatal_loop(draft, level, [(source, "out")], place, items=f"{data}.status")


def _fatal_body(draft: Draft, level: DraftLevel, ends: Sequence[End], place: Place) -> list[End]:
    source, data = draft.decision(level, ends, place)
    return _fatal_loop(draft, level, [(source, "out")], place, items=f"{data}.lines")


def _fatal_loop(draft: Draft, level: DraftLevel, ends: Sequence[End], place: Place, *, items: str) -> list[End]:
    loop = draft.name("each_line")
    body = level.inside(loop, 1)
    _fatal_activity(draft, body, [("start", "out")], place)
    level.add(LoopNode(id=loop, items=items, body=body.workflow()), ends)
    return [(loop, "out")]


def _fatal_repeat(draft: Draft, level: DraftLevel, ends: Sequence[End], place: Place) -> list[End]:
    loop = draft.name("until_done")
    most = draft.dice.pick((1, 2, 4))
    body = level.inside(loop, most)
    answers = [Response(output=draft.value(), ports=("again",))] * len(body.prefixes)
    check = draft.activity(body, [("start", "out")], place, word=draft.details.pick(CHECKS), answers=answers)
    body.edges += [Edge(source=check, port="again", target="$again"), Edge(source=check, target="$exit.done")]
    level.add(LoopNode(id=loop, repeat=True, max_iterations=most, body=body.workflow()), ends)
    return [(loop, "done")]


def race(draft: Draft, level: DraftLevel, ends: Sequence[End], place: Place) -> list[End]:
    """Two branches whose order decides the outcome: the first one wins a join, or a failure stops the second."""
    draft.tags.add("racy")
    calm = replace(place, retries=False)
    if draft.dice.chance(0.5):
        loser = failing(draft, level, ends, calm, on_error="fail")
        return [(loser, "out"), (draft.activity(level, ends, calm), "out")]
    first, second = (draft.activity(level, ends, calm) for _ in range(2))
    join = draft.name("first_answer")
    level.add(JoinNode(id=join, mode="any"), [(first, "out"), (second, "out")])
    return [(join, "out")]
