"""Which tokens a scenario calls its own."""

from __future__ import annotations

from engines.api import ActivityNode, Edge, JsonValue, StartNode, Workflow
from harness.judge.tokens import planted, tokens_in
from scenarios.model import PlannedSignal, Response, Scenario

A, B, C, D, E = (f"tok-{letter * 16}" for letter in "abcde")


def test_a_token_is_sixteen_hex_digits_and_no_more() -> None:
    assert list(tokens_in(f"x {A} {A}f {A[:-1]} TOK {B}.")) == [A, B]


def test_tokens_are_found_wherever_a_scenario_may_have_them() -> None:
    deep: JsonValue = {"k": A}
    for _ in range(2_000):
        deep = [deep]
    scenario = Scenario(
        id="s",
        workflow=Workflow(
            id="w",
            nodes=(StartNode(id="start"), ActivityNode(id="a", activity=B)),
            edges=(Edge(source="start", target="a"),),
        ),
        input=deep,
        world={B: (Response(output={C: 1}), Response(error=f"no {D}"))},
        signals=(PlannedSignal(id="1", name="go", payload=[E]),),
    )
    assert planted(scenario) == {A, B, C, D, E}
