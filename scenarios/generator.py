"""Scenarios from a seeded generator of random numbers: the same seed gives the same scenario. Pure.

Outcomes do not depend on the order in which ready nodes run, but for the few scenarios that carry the tag `racy`.
"""

from __future__ import annotations

import random

from engines.api import ActivityNode, Edge, JoinNode, JsonValue
from scenarios.blocks import block, fatal, loose_fork, race
from scenarios.draft import Bounds, Draft, End, Level, Place
from scenarios.model import Scenario
from scenarios.tokens import token_of
from scenarios.vocabulary import AWKWARD, SUBJECTS

__all__ = ["Bounds", "generate"]


def generate(rng: random.Random, number: int, bounds: Bounds = Bounds()) -> Scenario:  # noqa: B008 (frozen)
    """The next scenario; `number` goes into its id. The size is drawn first, so that a failing example shrinks."""
    size = rng.randint(1, bounds.max_nodes)
    scenario_id = f"gen-{number:06d}-{rng.getrandbits(24):06x}"
    draft = _draft(rng, scenario_id, size, bounds)
    subject = draft.pick(SUBJECTS)
    level = Level(id=subject)
    _grow(draft, level)
    if not draft.racy:
        _shortcuts(draft, level)
        _reorder(draft, level)
    workflow = level.workflow()
    value: dict[str, JsonValue] = {"token": draft.token, subject: draft.value()}
    if draft.awkward:
        draft.tags.add("awkward")
        value["odd"] = draft.pick(AWKWARD)
    cancel = draft.rng.randint(1, 2) if "wait" in draft.tags and draft.chance(0.06) else None
    if cancel:
        draft.tags.add("cancel")
    return Scenario(
        id=scenario_id,
        title=f"Generated {subject} workflow of {len(workflow.nodes)} nodes",
        origin="generated",
        tags=tuple(sorted(draft.tags)),
        input=value,
        workflow=workflow,
        world=draft.world,
        signals=tuple(draft.signals),
        cancel_at_pause=cancel,
    )


def _draft(rng: random.Random, scenario_id: str, size: int, bounds: Bounds) -> Draft:
    draft = Draft(
        rng=rng,
        token=token_of(scenario_id),
        budget=size,
        retries=False,
        waits=False,
        loops=False,
        awkward=False,
        fatal=False,
        racy=False,
    )
    if draft.chance(bounds.large):
        draft.budget = rng.randint(size, max(size, bounds.large_nodes))
    draft.retries = draft.chance(bounds.retries)
    draft.waits = draft.chance(bounds.waits)
    draft.loops = draft.chance(bounds.loops)
    draft.awkward = draft.chance(bounds.awkward)
    draft.fatal = draft.chance(bounds.failures)
    draft.racy = not draft.fatal and draft.chance(bounds.racy)
    return draft


def _grow(draft: Draft, level: Level) -> None:
    """Blocks one after another until the budget is spent; nothing runs beside what fails the execution."""
    place = Place()
    ends: list[End] = [("start", "out")]
    before_fatal = draft.rng.randint(0, 3) if draft.fatal else -1
    grown = 0
    while draft.budget > 0 or grown <= before_fatal:
        if grown == before_fatal:
            ends = fatal(draft, level, ends, place)
        elif draft.budget > 0:
            ends = block(draft, level, ends, place)
        grown += 1
        if draft.budget in {2, 3} and grown > before_fatal and draft.chance(0.3):
            ends = loose_fork(draft, level, ends, place)
            return
    if draft.racy:
        race(draft, level, ends, place)


def _shortcuts(draft: Draft, level: Level) -> None:
    """Edges past whole blocks, where no order of running can change what comes of them."""
    first_wins = any(isinstance(node, JoinNode) and node.mode == "any" for node in level.nodes)
    if first_wins or draft.fatal or draft.retries or len(level.nodes) < 4 or not draft.chance(0.3):
        return
    existing = {(edge.source, edge.target) for edge in level.edges}
    for _ in range(draft.rng.randint(1, 2)):
        later = draft.rng.randint(2, len(level.nodes) - 1)
        source, target = level.nodes[draft.rng.randint(0, later - 1)], level.nodes[later]
        plain = source.kind in {"start", "activity", "join"} and isinstance(target, ActivityNode | JoinNode)
        if plain and (source.id, target.id) not in existing:
            existing.add((source.id, target.id))
            level.edges.append(Edge(source=source.id, target=target.id))


def _reorder(draft: Draft, level: Level) -> None:
    """Another definition order, since an engine may not rely on nodes being defined in the order of their edges."""
    if draft.chance(0.25):
        draft.rng.shuffle(level.nodes)
