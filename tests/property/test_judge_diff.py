"""Laws of comparison, and of expectations on generated scenarios."""

from __future__ import annotations

import json
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from cutover.engines.api import JsonValue
from cutover.engines.payloads import encode
from cutover.harness.judge.outcomes.diff import diff, diff_outcomes, diff_texts
from cutover.harness.judge.outcomes.outcome import Effect
from cutover.harness.judge.reference.model import expect
from cutover.scenarios.model import Scenario
from cutover.scenarios.strategies import scenarios

_leaves = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8)
)
values: st.SearchStrategy[JsonValue] = st.recursive(
    _leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)
_MIRROR = {"missing": "extra", "extra": "missing"}


def turned(value: JsonValue) -> JsonValue:
    """The same value with every object's keys in the opposite order."""
    if isinstance(value, dict):
        return {key: turned(value[key]) for key in reversed(value)}
    return [turned(item) for item in value] if isinstance(value, list) else value


@given(values)
def test_a_value_equals_itself_also_by_way_of_text_and_with_other_key_order(value: JsonValue) -> None:
    assert diff(value, value) == []
    assert diff(value, json.loads(encode(value))) == []
    assert diff(value, turned(value)) == []
    assert diff_texts(encode(value), encode(turned(value)), "output") == []


@given(values, values)
def test_no_difference_means_the_same_canonical_text_and_the_reverse(left: JsonValue, right: JsonValue) -> None:
    same = json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)
    assert (diff(left, right) == []) is same


@given(values, values)
def test_the_other_way_round_is_the_mirror_image(left: JsonValue, right: JsonValue) -> None:
    there = sorted((each.path, each.kind, each.left or "", each.right or "") for each in diff(left, right))
    back = sorted(
        (each.path, _MIRROR.get(each.kind, each.kind), each.right or "", each.left or "") for each in diff(right, left)
    )
    assert there == back


@settings(deadline=None)
@given(scenarios())
def test_an_expectation_is_the_same_each_time_and_differs_from_itself_in_nothing(scenario: Scenario) -> None:
    expected = expect(scenario)
    assert expected == expect(scenario)
    for order in (expected, *expected.alternatives):
        assert diff_outcomes(order.outcome, order.outcome, order.optional) == []


@settings(deadline=None)
@given(scenarios())
def test_what_an_expectation_waits_for_it_knows_and_never_in_a_circle(scenario: Scenario) -> None:
    expected = expect(scenario)
    place = {step_id: i for i, step_id in enumerate(expected.steps)}
    for step_id, step in expected.steps.items():
        if step.status != "skipped":
            assert all(place[before] < place[step_id] for before in step.waits.all_of)
        assert len(step.delays_ms) == max(step.attempts - 1, 0)


@settings(deadline=None)
@given(scenarios())
def test_one_effect_less_or_more_never_goes_unseen(scenario: Scenario) -> None:
    expected = expect(scenario)
    effects = expected.outcome.effects
    extra = replace(expected.outcome, effects=(*effects, Effect("ghost", "ghost", "1")))
    assert [each.path for each in diff_outcomes(expected.outcome, extra)] == ["effects/ghost/ghost"]
    if effects:
        less = replace(expected.outcome, effects=effects[1:])
        assert len(diff_outcomes(expected.outcome, less)) == 1
