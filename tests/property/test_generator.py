"""Laws of generated scenarios: the same seed makes the same one, each is sound, and none is decided by a race."""

from __future__ import annotations

import json
import math
import random
from collections import Counter
from functools import cache

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from cutover.engines.api import ActivityNode, JsonValue, LoopNode, StartNode
from cutover.engines.payloads import encode
from cutover.harness.judge.reference.model import Expected, expect
from cutover.scenarios.errors import ScenarioError
from cutover.scenarios.files import dumps, dumps_line, loads
from cutover.scenarios.generated.generator import SizeLimits, generate
from cutover.scenarios.model import Scenario
from cutover.scenarios.strategies import scenarios
from cutover.scenarios.tokens import TOKEN, token_of
from cutover.scenarios.validate import nodes_of, validate_scenario

SEEDS = range(500)
ANY_CHARACTER = st.characters(exclude_categories=())  # lone surrogates and NUL too

payloads: st.SearchStrategy[JsonValue] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(ANY_CHARACTER),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(ANY_CHARACTER), inner, max_size=4),
    max_leaves=12,
)


@cache
def seeded() -> tuple[Scenario, ...]:
    return tuple(generate(random.Random(f"cutover:{seed}"), seed) for seed in SEEDS)  # noqa: S311


@cache
def expected() -> tuple[Expected, ...]:
    return tuple(expect(scenario) for scenario in seeded())


def test_the_same_seed_gives_the_same_scenario_and_another_seed_another() -> None:
    again = [dumps(generate(random.Random(f"cutover:{seed}"), seed)) for seed in SEEDS]  # noqa: S311
    assert again == [dumps(scenario) for scenario in seeded()]
    assert len({scenario.id for scenario in seeded()}) == len(SEEDS)
    assert len({dumps(scenario) for scenario in seeded()}) == len(SEEDS)


def test_every_scenario_is_sound_and_comes_back_from_its_file() -> None:
    for scenario in seeded():
        validate_scenario(scenario)
        assert scenario.origin == "generated"
        for text in (dumps(scenario), dumps_line(scenario)):
            assert dumps(loads(text, scenario.id)) == dumps(scenario)


def test_every_scenario_carries_its_own_token_in_its_input_and_no_other() -> None:
    for scenario in seeded():
        assert token_of(scenario.id) in encode(scenario.input)
        assert set(TOKEN.findall(dumps(scenario))) == {token_of(scenario.id)}
    assert len({token_of(scenario.id) for scenario in seeded()}) == len(SEEDS)


def test_sizes_are_sensible() -> None:
    sizes = [sum(not isinstance(node, StartNode) for _, node in nodes_of(s.workflow)) for s in seeded()]
    assert min(sizes) == 1
    assert max(sizes) > 15
    assert sum(size <= 20 for size in sizes) > 0.95 * len(sizes)
    assert max(max(len(loops) for loops, _ in nodes_of(s.workflow)) for s in seeded()) == 2


def test_every_kind_of_step_ends_in_every_way_it_can() -> None:
    seen = {(step.kind, step.status) for found in expected() for step in found.steps.values()}
    wanted = {(kind, "completed") for kind in ("start", "activity", "condition", "join", "wait", "loop")}
    wanted |= {(kind, "skipped") for kind in ("activity", "condition", "join", "wait", "loop")}
    wanted |= {(kind, "failed") for kind in ("activity", "condition", "loop")}
    wanted |= {("wait", "paused"), ("wait", "cancelled")}
    assert wanted <= seen
    assert {found.outcome.status for found in expected()} == {"completed", "failed", "running", "cancelled"}
    ports = {(step.kind, port) for found in expected() for step in found.steps.values() for port in step.ports}
    assert {("activity", "error"), ("condition", "default"), ("wait", "timeout"), ("loop", "gave_up")} <= ports


def test_retries_come_out_in_every_way() -> None:
    attempts = Counter(
        (step.status, step.attempts)
        for found in expected()
        for step in found.steps.values()
        if step.kind == "activity" and step.attempts
    )
    assert {("completed", 1), ("completed", 2), ("completed", 3), ("completed", 4)} <= set(attempts)
    assert {("failed", 1), ("failed", 4)} <= set(attempts)


def test_most_scenarios_need_no_retry_and_the_tag_tells_those_that_may() -> None:
    needed = [any(step.attempts > 1 for step in found.steps.values()) for found in expected()]
    assert 0.1 < sum(needed) / len(needed) < 0.35
    assert all("retry" in scenario.tags for scenario, need in zip(seeded(), needed, strict=True) if need)


def test_only_scenarios_tagged_as_racy_depend_on_the_order_of_running() -> None:
    racy = [scenario for scenario in seeded() if "racy" in scenario.tags]
    assert len(racy) < 0.03 * len(SEEDS)
    for scenario, found in zip(seeded(), expected(), strict=True):
        for other in found.alternatives:
            same = other.steps == found.steps and sorted(other.outcome.effects) == sorted(found.outcome.effects)
            assert same or scenario in racy, scenario.id


def test_an_execution_fails_only_where_the_scenario_says_so() -> None:
    failed = [s for s, found in zip(seeded(), expected(), strict=True) if found.outcome.status == "failed"]
    assert 0.05 < len(failed) / len(SEEDS) < 0.25
    assert all({"fails", "racy"} & set(scenario.tags) for scenario in failed)


def test_bounds_turn_features_off_and_on() -> None:
    calm = SizeLimits(max_nodes=6, large=0, retries=0, failures=0, waits=0, loops=0, awkward=0, racy=0)
    for seed in range(100):
        scenario = generate(random.Random(seed), seed, calm)  # noqa: S311
        nodes = [node for _, node in nodes_of(scenario.workflow)]
        assert {node.kind for node in nodes} <= {"start", "activity", "condition", "join"}
        assert not {"retry", "fails", "awkward", "racy"} & set(scenario.tags)
    wild = SizeLimits(failures=1, racy=1)
    assert all("fails" in generate(random.Random(seed), seed, wild).tags for seed in range(20))  # noqa: S311
    racy = SizeLimits(failures=0, racy=1)
    assert all("racy" in generate(random.Random(seed), seed, racy).tags for seed in range(20))  # noqa: S311


@given(scenarios())
@settings(max_examples=100, deadline=None)
def test_every_drawn_scenario_is_sound(scenario: Scenario) -> None:
    validate_scenario(scenario)
    assert dumps(loads(dumps(scenario))) == dumps(scenario)


@given(payloads, payloads)
@settings(deadline=None)
def test_payloads_come_back_exactly(given_input: JsonValue, output: JsonValue) -> None:
    base = seeded()[0]
    key = next(iter(base.world))
    response = base.world[key][0]
    changed = Scenario(
        id="payload",
        workflow=base.workflow,
        input=given_input,
        world={**base.world, key: (type(response)(output=output),)},
        signals=base.signals,
    )
    for text in (dumps(changed), dumps_line(changed)):
        again = loads(text)
        assert exact(again.input) == exact(given_input)
        assert exact(again.world[key][0].output) == exact(output)


@given(st.text(ANY_CHARACTER) | payloads.map(json.dumps))
@settings(deadline=None)
def test_any_text_that_is_no_scenario_gives_the_projects_own_error(text: str) -> None:
    with pytest.raises(ScenarioError, match=r"^any\.json: "):
        loads(text, "any.json")


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_a_scenario_with_any_part_replaced_is_read_or_refused_by_name(data: st.DataObject) -> None:
    scenario = json.loads(dumps(data.draw(st.sampled_from(seeded()))))
    part, place = scenario, "$"
    while isinstance(part, dict | list) and part:
        key = data.draw(st.sampled_from(sorted(part) if isinstance(part, dict) else range(len(part))))
        holder, part = part, part[key]
        if not (isinstance(part, dict | list) and part) or data.draw(st.booleans()):
            holder[key] = data.draw(payloads)
            break
    try:
        loads(json.dumps(scenario), place)
    except ScenarioError as error:
        assert str(error).startswith("$: ")  # noqa: PT017
        assert "pydantic" not in str(error).lower()  # noqa: PT017


def test_a_failing_scenario_shrinks_to_the_node_that_matters() -> None:
    def has_loop(scenario: Scenario) -> bool:
        return any(isinstance(node, LoopNode) for node in scenario.workflow.nodes)

    quick = settings(database=None, phases=[Phase.generate, Phase.shrink], max_examples=2_000, deadline=None)
    plainest = find(scenarios(), lambda scenario: bool(scenario.world), settings=quick)
    assert [type(node) for node in plainest.workflow.nodes] == [StartNode, ActivityNode]
    smallest = find(scenarios(), has_loop, settings=quick)
    assert sum(not isinstance(node, StartNode) for _, node in nodes_of(smallest.workflow)) <= 3


def exact(value: JsonValue) -> object:
    """The value with its types and the sign of zero, so that 1, 1.0 and True differ."""
    match value:
        case dict():
            return {key: exact(item) for key, item in value.items()}
        case list():
            return [exact(item) for item in value]
        case float():
            return ("float", value, math.copysign(1, value))
        case _:
            return (type(value).__name__, value)
