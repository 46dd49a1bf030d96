"""Which tokens a scenario calls its own."""

from __future__ import annotations

import math

import pytest

from cutover.engines.api import ActivityNode, Edge, JsonValue, StartNode, Workflow
from cutover.harness.judge.outcomes.tokens import planted, tokens_in
from cutover.scenarios.model import PlannedSignal, Response, Scenario

A, B, C, D, E = (f"tok-{letter * 16}" for letter in "abcde")


def test_a_token_is_sixteen_hex_digits_and_no_more() -> None:
    assert list(tokens_in(f"x {A} {A}f {A[:-1]} TOK {B}.")) == [A, B]


def nested(value: JsonValue, levels: int) -> JsonValue:
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "given",
    [{"k": A}, nested({"k": A}, 2_000), [A, 10**40], [A, math.nan], [A, "\ud800"], {A: -0.0}],
    ids=["plain", "deep", "large", "nan", "lone-surrogate", "key"],
)
def test_tokens_are_found_wherever_a_scenario_may_have_them(given: JsonValue) -> None:
    scenario = Scenario(
        id="s",
        workflow=Workflow(
            id="w",
            nodes=(StartNode(id="start"), ActivityNode(id="a", activity=B)),
            edges=(Edge(source="start", target="a"),),
        ),
        input=given,
        world={B: (Response(output={C: 1}), Response(error=f"no {D}"))},
        signals=(PlannedSignal(id="1", name="go", payload=[E]),),
    )
    assert planted(scenario) == {A, B, C, D, E}
