"""What an expression may come to at worst, by hand, and who refuses one that comes to too much."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from cutover.engines.api import ConditionNode, Edge, StartNode, Workflow
from cutover.harness.errors import RunError
from cutover.harness.judge.reference.world import NoValue, evaluate
from cutover.harness.record.scenario_texts import scenario_in
from cutover.harness.store.lines import decode_scenario, encode_scenario, scenario_text
from cutover.scenarios.catalog import load_catalog
from cutover.scenarios.errors import ScenarioError
from cutover.scenarios.expressions import Extent, excess, work
from cutover.scenarios.generated.generator import drawn
from cutover.scenarios.model import Scenario
from cutover.scenarios.validate import expression_problems, validate_scenario

DOUBLED = " | ".join(["[@, @]"] * 20)


def of(expression: str, given: str = "") -> Scenario:
    """A scenario with one condition."""
    gate = ConditionNode(id="gate", expression=expression)
    flow = Workflow(id="w", nodes=(StartNode(id="start"), gate), edges=(Edge(source="start", target="gate"),))
    return Scenario(id="s", workflow=flow, input=given)


@pytest.mark.parametrize(
    ("expression", "times", "beside"),
    [
        ("a", 1, 0),
        ("a.b.c", 3, 0),  # each is looked at
        ("`[1, 2]`", 0, 6),
        ("[@, @]", 4, 4),  # both, and the list of both with its brackets and commas
        ("a[*].b", 2, 0),  # the list, and what each item has
        ("join(', ', names)", 6, 4),  # the names, and each with a comma, a space and two quotation marks before it
        ("length(a)", 2, 0),
        ("not JMESPath", 0, 0),
    ],
)
def test_the_extent_of_an_expression(expression: str, times: float, beside: float) -> None:
    assert work(expression) == Extent(times, beside)


@pytest.mark.parametrize(
    "expression",
    [
        "status == 'open'",
        "orders[?status == 'open' && total > `100`].{id: id, lines: lines[?qty > `0`].{sku: sku, price: price}}",
        "reservations[*].instances[*].[tags[?Key == 'Name'].Values[] | [0], type, state.name]",
        "max_by(people, &age).name || 'nobody'",
        "sort_by(items, &price)[-5:].{id: id, price: to_string(price)}",
        "a[].b[].c[].d[].e[].{x: x, y: y}",
    ],
)
def test_what_people_write_is_evaluated_in_a_scenario_of_a_million_characters(expression: str) -> None:
    assert excess(expression, 1_000_000) == ""


def test_what_ships_and_what_is_drawn_is_far_from_the_limits() -> None:
    for scenario in (*load_catalog(), *(drawn(5, number) for number in range(1, 100))):
        assert list(expression_problems(scenario, 10_000_000)) == []


@pytest.mark.parametrize(
    "expression",
    [
        DOUBLED,
        " | ".join(["{a: @, b: @}"] * 12),
        " | ".join(["join('', [@, @])"] * 12),
        " | ".join(["[@, @][]"] * 12),
        "map(&" * 12 + "[@, @]" + ", [@, @])" * 12,
        "to_string([" * 30 + "@" + "])" * 30,
        "join(@.separator, @.list)",
    ],
)
def test_what_doubles_again_and_again_is_refused_wherever_it_comes_from(expression: str) -> None:
    scenario = of(expression)
    assert excess(expression, 0)
    with pytest.raises(ScenarioError, match=r"\$\.workflow\.nodes\[1\] \(gate\)\.expression: .* at most|the most"):
        validate_scenario(scenario)
    with pytest.raises(NoValue, match="10,000 times"):
        evaluate(expression, None)
    with pytest.raises(RunError, match=r"a scenario that is none: .* the most that is evaluated"):
        scenario_in(scenario_text(scenario))
    with pytest.raises(ValueError, match="the most that is evaluated"):
        decode_scenario(encode_scenario(1, scenario))


def test_what_is_refused_depends_on_how_large_the_scenario_is() -> None:
    expression = " | ".join(["[@, @]"] * 6)
    assert 100 < work(expression).times < 1_000
    validate_scenario(of(expression, "x" * 1_000_000))
    with pytest.raises(ScenarioError, match="more than 1,000,000,000 characters on an input as large as this scenario"):
        validate_scenario(of(expression, "x" * 10_000_000))


def test_a_bound_that_is_none_is_infinite() -> None:
    assert work("join(@, @)").times == math.inf
    assert work(" | ".join(["[@, @]"] * 1_000)).times == math.inf  # deeper than the stack
    assert work(" | ".join(["[@, @, @, @, @, @, @, @, @]"] * 400)).times == math.inf


@pytest.mark.parametrize("text", ["", "{}", "[" * 10_000, json.dumps({"id": 1}), "\ud800"])
def test_a_recorded_scenario_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(RunError, match="the run's rows hold a scenario that is none"):
        scenario_in(text)


def test_a_recorded_scenario_comes_back() -> None:
    scenario = replace(of("a"), tags=("x",))
    assert scenario_in(scenario_text(scenario)) == scenario
