"""Laws of what a run draws: the same seed the same scenarios, all that a sample should show, and nothing illegal."""

from __future__ import annotations

import random
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cutover.engines.payloads import decode, encode
from cutover.harness.judge.reference.model import expect
from cutover.harness.judge.summaries.material import MaterialCollector, MaterialSummary
from cutover.harness.judge.summaries.nestings import nested_features
from cutover.harness.judge.summaries.sightings import features_of, sightings
from cutover.scenarios.boundaries.catalogue import BOUNDARIES, CELLS, PLANTINGS
from cutover.scenarios.catalog import load_catalog
from cutover.scenarios.files import dumps, loads
from cutover.scenarios.generated.combining import PAIRS, Feature
from cutover.scenarios.generated.design import DESIGNED_FROM, Design, design_of
from cutover.scenarios.generated.generator import SizeLimits, drawn, generate
from cutover.scenarios.generated.nesting import NESTED, NESTINGS, NESTS, Nest
from cutover.scenarios.generated.specimens import Specimen, specimens
from cutover.scenarios.generated.tail import LARGE_BYTES, MANY_BRANCHES, MANY_PAUSES, MANY_STEPS
from cutover.scenarios.validate import validate_scenario

CALM = SizeLimits(max_nodes=1, retries=0, failures=0, waits=0, loops=0, awkward=0, racy=0, large=0)
SPECIMENS = specimens("law")


@cache
def shown(seed: int) -> MaterialSummary:
    """What the fewest scenarios that a designed run may draw show, without the catalog."""
    collector = MaterialCollector()
    for number in range(1, DESIGNED_FROM + 1):
        scenario = drawn(seed, number)
        collector.add(scenario, expect(scenario))
    return collector.summary()


@pytest.mark.parametrize("seed", [0, 1, 2**31])
def test_a_designed_sample_lacks_nothing_whatever_the_seed(seed: int) -> None:
    summary = shown(seed)
    assert list(summary.lacks()) == []
    assert (summary.values, len(summary.cells), len(summary.pairs)) == (
        len(BOUNDARIES),
        len(CELLS),
        len(PAIRS) + len(NESTED),
    )
    assert min(summary.cells.values()) > 0
    assert summary.most_steps >= MANY_STEPS
    assert summary.most_bytes >= LARGE_BYTES
    assert summary.most_branches >= MANY_BRANCHES
    assert summary.placed > len(PLANTINGS) / 2


@pytest.mark.parametrize("seed", [0, 1, 2**31])
def test_a_designed_sample_has_one_of_very_many_pauses(seed: int) -> None:
    waits = [
        sum("await_approval" in step or "rest" in step for step in expect(scenario).outcome.steps)
        for scenario in (drawn(seed, number) for number in range(140, 160))
        if scenario.cancel_at_pause is None
    ]
    assert max(waits) >= MANY_PAUSES


def test_without_its_design_the_same_sample_lacks_kinds() -> None:
    collector = MaterialCollector()
    for scenario in load_catalog():
        collector.add(scenario, expect(scenario))
    lacks = " ".join(collector.summary().lacks())
    assert "boundary values that no scenario shows" in lacks
    assert "steps that one should have" in lacks


@given(seed=st.integers(0, 2**63 - 1), number=st.integers(1, 700))
@settings(max_examples=60, deadline=None)
def test_every_drawn_scenario_is_legal_and_repeats(seed: int, number: int) -> None:
    scenario = drawn(seed, number)
    validate_scenario(scenario)
    assert dumps(loads(dumps(scenario))) == dumps(scenario)
    assert dumps(drawn(seed, number)) == dumps(scenario)
    found = expect(scenario)
    assert found.refused is None
    if "racy" not in scenario.tags:
        for other in found.alternatives:
            assert other.steps == found.steps
            assert sorted(other.outcome.effects) == sorted(found.outcome.effects)


@given(st.sampled_from(SPECIMENS), st.randoms(use_true_random=False))
@settings(max_examples=200, deadline=None)
def test_all_that_a_specimen_plants_is_seen_when_it_runs(specimen: Specimen, rng: random.Random) -> None:
    scenario = generate(rng, 1, CALM, Design(specimens=(specimen,)))
    validate_scenario(scenario)
    seen = {(each.name, each.place) for each in sightings(scenario, expect(scenario))}
    alone = {("step id", "loop"), ("step id", "case"), ("step id", "wait"), ("step id", "retry")}
    for place, boundaries in specimen.planted.items():
        for boundary in boundaries:
            if boundary.alike and (place, specimen.form) in alone | {("step id", "error"), ("step id", "signal")}:
                continue  # one node has one name, and a pair needs two
            assert (boundary.name, place) in seen, (specimen.form, place, boundary.name)


@pytest.mark.parametrize("pair", PAIRS, ids=" with ".join)
@given(rng=st.randoms(use_true_random=False))
@settings(max_examples=5, deadline=None)
def test_a_pair_of_features_comes_together_when_it_runs(pair: tuple[Feature, Feature], rng: random.Random) -> None:
    scenario = generate(rng, 1, CALM, Design(pair=pair))
    validate_scenario(scenario)
    assert set(pair) <= features_of(expect(scenario))


@pytest.mark.parametrize("nest", NESTS)
@given(rng=st.randoms(use_true_random=False))
@settings(max_examples=3, deadline=None)
def test_features_come_in_the_loops_that_a_nest_asks_for(nest: Nest, rng: random.Random) -> None:
    scenario = generate(rng, 1, CALM, Design(nest=nest))
    validate_scenario(scenario)
    found = expect(scenario)
    asked = {(each, NESTINGS[nest.kinds[:depth]]) for depth, group in enumerate(nest.levels) for each in group}
    assert asked <= nested_features(scenario, found)
    assert found.outcome.status == ("failed" if nest.fatal else "completed")
    assert all(other.steps == found.steps for other in found.alternatives)


def test_all_nests_together_ask_for_every_feature_in_every_loop_once() -> None:
    asked = [
        (each, NESTINGS[nest.kinds[:depth]])
        for nest in NESTS
        for depth, group in enumerate(nest.levels)
        for each in group
    ]
    assert set(asked) == set(NESTED)
    designs = [design_of("7", number).nest for number in range(1, DESIGNED_FROM + 1)]
    assert {each for each in designs if each is not None} == set(NESTS)


def test_every_specimen_of_a_seed_together_plants_every_value_in_every_place_of_a_step() -> None:
    planted = {
        (boundary.name, place)
        for specimen in SPECIMENS
        for place, boundaries in specimen.planted.items()
        for boundary in boundaries
    }
    apart = {"input", "workflow id"}
    assert planted == {(each.boundary.name, each.place) for each in PLANTINGS if each.place not in apart}
    designs = [design_of("7", number) for number in range(1, 601)]
    given_ = {design.given.name for design in designs if design.given is not None}
    assert given_ == {each.boundary.name for each in PLANTINGS if each.place == "input"}


def test_boundaries_have_names_of_their_own_and_say_whom_they_hurt() -> None:
    assert len({boundary.name for boundary in BOUNDARIES}) == len(BOUNDARIES)
    for boundary in BOUNDARIES:
        assert len(boundary.hurt) > 5, boundary.name
        assert encode(decode(encode(boundary.value))) == encode(boundary.value)
