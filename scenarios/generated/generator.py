"""Scenarios from a seeded generator of random numbers: the same seed makes the same scenario. Pure.

Outcomes do not depend on the order in which ready nodes run, but for the few scenarios that carry the tag `racy`.
"""

from __future__ import annotations

import random
from dataclasses import replace

from cutover.engines.api import ActivityNode, Edge, JoinNode, JsonValue
from cutover.scenarios.generated.blocks import block_or_gap, loose_fork
from cutover.scenarios.generated.combining import combine
from cutover.scenarios.generated.design import Design, design_of
from cutover.scenarios.generated.dice import Dice
from cutover.scenarios.generated.draft import Draft, DraftLevel, End, Place, SizeLimits
from cutover.scenarios.generated.failures import fatal, race
from cutover.scenarios.generated.nesting import nest
from cutover.scenarios.generated.planting import plant
from cutover.scenarios.generated.tail import lengthen
from cutover.scenarios.generated.vocabulary import AWKWARD, SUBJECTS
from cutover.scenarios.model import Scenario
from cutover.scenarios.tokens import token_of

__all__ = ["SizeLimits", "drawn", "generate"]


def drawn(seed: int, number: int) -> Scenario:
    """The scenario of that number, from 1, in a run of that seed."""
    return generate(random.Random(f"{seed}:{number}"), number, design=design_of(str(seed), number))  # noqa: S311 (no secret)


def generate(
    rng: random.Random,
    number: int,
    bounds: SizeLimits = SizeLimits(),  # noqa: B008 (frozen)
    design: Design = Design(),  # noqa: B008 (frozen)
) -> Scenario:
    """The next scenario; `number` goes into its id. The size is drawn first, so that a failing example shrinks.

    What the design asks for comes first, so that it always runs, and takes its nodes from the size.
    """
    dice = Dice(rng)
    size = dice.between(1, bounds.max_nodes)
    seed = rng.getrandbits(24)
    scenario_id = f"gen-{number:06d}-{seed:06x}"
    draft = _draft(dice, seed, scenario_id, size, bounds)
    level = DraftLevel(id=draft.subject)
    ends = _planned(draft, level, design)
    asked_to_wait = "wait" in draft.tags  # a cancellation must not come before what was asked for
    _grow(draft, level, ends)
    if not draft.racy:
        if design.nest is None and "parallel branches" not in (
            design.pair or ()
        ):  # a shortcut would put one branch after the other
            _shortcuts(draft, level)
        _reorder(draft, level)
    workflow = level.workflow()
    if design.workflow_id is not None:
        workflow = replace(workflow, id=design.workflow_id)
    value: dict[str, JsonValue] = {"token": draft.token, draft.subject: draft.value()}
    if design.given is not None:
        value["given"] = design.given.value
    if draft.awkward:
        draft.tags.add("awkward")
        value["odd"] = dice.pick(AWKWARD)
    cancel = None if asked_to_wait else _cancelled(draft, 0.3 if design.specimens else 0.06)
    return Scenario(
        id=scenario_id,
        title=f"Generated {draft.subject} workflow of {len(workflow.nodes)} nodes",
        origin="generated",
        tags=tuple(sorted(draft.tags)),
        input=value,
        workflow=workflow,
        world=draft.world,
        signals=tuple(draft.signals),
        cancel_at_pause=cancel,
    )


def _draft(dice: Dice, seed: int, scenario_id: str, size: int, bounds: SizeLimits) -> Draft:
    details = Dice(random.Random(seed))  # noqa: S311 (no secret)
    draft = Draft(
        dice=dice,
        details=details,
        token=token_of(scenario_id),
        subject=details.pick(SUBJECTS),
        budget=size,
        retries=False,
        waits=False,
        loops=False,
        awkward=False,
        fatal=False,
        racy=False,
    )
    if dice.chance(bounds.large):
        draft.budget = dice.between(size, max(size, bounds.large_nodes))
    draft.retries = dice.chance(bounds.retries)
    draft.waits = dice.chance(bounds.waits)
    draft.loops = dice.chance(bounds.loops)
    draft.awkward = dice.chance(bounds.awkward)
    draft.fatal = dice.chance(bounds.failures)
    draft.racy = not draft.fatal and dice.chance(bounds.racy)
    return draft


def _planned(draft: Draft, level: DraftLevel, design: Design) -> list[End]:
    """What the design asks for, one after another."""
    ends: list[End] = [("start", "out")]
    if design.tail is not None:
        ends = lengthen(draft, level, ends, design.tail)
        draft.fatal = draft.racy = False
    if design.pair is not None:
        ends = combine(draft, level, ends, design.pair)
    for specimen in design.specimens:
        ends = plant(draft, level, ends, specimen)
    if design.nest is not None:
        ends = nest(draft, level, ends, design.nest)
        draft.fatal = draft.racy = False
        draft.budget = 0
    if draft.tags & {"boundary", "large"}:
        draft.budget //= 2  # so that what is asked for does not make scenarios larger on the whole
    return ends


def _grow(draft: Draft, level: DraftLevel, ends: list[End]) -> None:
    """Blocks one after another until the budget is spent; nothing runs beside what fails the execution."""
    place = Place()
    before_fatal = draft.dice.between(0, 3) if draft.fatal else -1
    grown = 0
    while draft.budget > 0 or grown <= before_fatal:
        if grown == before_fatal:
            ends = fatal(draft, level, ends, place)
        elif draft.budget > 0:
            ends = block_or_gap(draft, level, ends, place)
        grown += 1
        if draft.budget in {2, 3} and grown > before_fatal and not draft.racy and draft.dice.chance(0.3):
            ends = loose_fork(draft, level, ends, place)
            return
    if len(level.nodes) == 1:
        draft.activity(level, ends, place)
    if draft.racy:
        race(draft, level, ends, place)


def _cancelled(draft: Draft, share: float) -> int | None:
    """At which pause that share of the scenarios with waits is cancelled."""
    if "wait" not in draft.tags or not draft.dice.chance(share):
        return None
    draft.tags.add("cancel")
    return draft.dice.between(1, 2)


def _shortcuts(draft: Draft, level: DraftLevel) -> None:
    """Edges past whole blocks, where no order of running can change what comes of them."""
    first_wins = any(isinstance(node, JoinNode) and node.mode == "any" for node in level.nodes)
    retries = draft.retries or "retry" in draft.tags
    if first_wins or draft.fatal or retries or len(level.nodes) < 4 or not draft.dice.chance(0.3):
        return
    existing = {(edge.source, edge.target) for edge in level.edges}
    for _ in range(draft.dice.between(1, 2)):
        later = draft.dice.between(2, len(level.nodes) - 1)
        source, target = level.nodes[draft.dice.between(0, later - 1)], level.nodes[later]
        plain = source.kind in {"start", "activity", "join"} and isinstance(target, ActivityNode | JoinNode)
        if plain and (source.id, target.id) not in existing:
            existing.add((source.id, target.id))
            level.edges.append(Edge(source=source.id, target=target.id))


def _reorder(draft: Draft, level: DraftLevel) -> None:
    """Another definition order, since an engine may not rely on nodes being defined in the order of their edges."""
    if draft.dice.chance(0.25):
        draft.dice.rng.shuffle(level.nodes)
