"""What a run's scenarios show is counted by what runs, and a sample that lacks a kind is not enough."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from rows import MANIFEST

from cutover.engines.api import (
    ActivityNode,
    Case,
    ConditionNode,
    Edge,
    JsonValue,
    LoopNode,
    Node,
    RetryPolicy,
    StartNode,
    WaitNode,
    Workflow,
)
from cutover.harness.cli.selection import material_of
from cutover.harness.judge.findings import Verdict
from cutover.harness.judge.gathered import Gathered
from cutover.harness.judge.meta import material_reason
from cutover.harness.judge.reference.model import expect
from cutover.harness.judge.summaries.material import MaterialCollector
from cutover.harness.judge.summaries.nestings import nested_features
from cutover.harness.judge.summaries.sightings import branches_of, features_of, sightings
from cutover.reports.parts.material import material_part
from cutover.scenarios.catalog import load_catalog
from cutover.scenarios.generated.design import DESIGNED_FROM
from cutover.scenarios.generated.generator import drawn
from cutover.scenarios.model import PlannedSignal, Response, Scenario

START = StartNode(id="start")


def chain(*nodes: Node, given: JsonValue = None, world: Mapping[str, tuple[Response, ...]] | None = None) -> Scenario:
    """The nodes one after another."""
    ends = [("start", "out")]
    edges = []
    for node in nodes:
        edges += [Edge(source=source, port=port, target=node.id) for source, port in ends[-1:]]
        port = node.cases[-1].port if isinstance(node, ConditionNode) else "out"
        ends.append((node.id, port))
    flow = Workflow(id="plain", nodes=(START, *nodes), edges=tuple(edges))
    return Scenario(id="s", workflow=flow, input=given, world=world or {})


def shown(scenario: Scenario) -> set[tuple[str, str]]:
    """The names of the values that it shows, with their places."""
    return {(each.name, each.place) for each in sightings(scenario, expect(scenario)) if each.name}


ASK = ActivityNode(id="ask", activity="ask")


@pytest.mark.parametrize(
    ("scenario", "name", "place"),
    [
        (chain(ASK, given=[2**53 + 1], world={"ask": (Response(output=1),)}), "2^53 + 1", "input"),
        (chain(ASK, world={"ask": (Response(output={"a": None, "b": 1}),)}), "null under a key", "output"),
        (chain(ASK, world={"ask": (Response(output="{{ name }}"),)}), "{{ name }}", "output"),
        (
            chain(replace(ASK, on_error="continue"), world={"ask": (Response(error="P1DT12H", retryable=False),)}),
            "P1DT12H",
            "error",
        ),
        (chain(replace(ASK, id="a.b"), world={"ask": (Response(output=1),)}), "a.b", "step id"),
        (chain(ActivityNode(id="a", activity="toString"), world={"a": (Response(),)}), "toString", "activity"),
        (chain(WaitNode(id="w", timeout_ms=0)), "wait of 0 ms", "wait"),
        (
            chain(
                replace(ASK, retry=RetryPolicy(cap_ms=0)),
                world={"ask": (Response(error="e"), Response(error="e"), Response(output=1))},
            ),
            "cap of 0",
            "retry",
        ),
        (
            chain(
                ASK,
                ConditionNode(
                    id="c", expression="@", cases=(Case(port="p", value="PAID"), Case(port="q", value="yes"))
                ),
                world={"ask": (Response(output="yes"),)},
            ),
            "words that are true",
            "case",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_boundary_value_is_seen_in_its_place(scenario: Scenario, name: str, place: str) -> None:
    assert (name, place) in shown(scenario)


def test_items_and_results_of_a_loop_are_places_of_their_own() -> None:
    body = Workflow(id="body", nodes=(START, ASK), edges=(Edge(source="start", target="ask"),))
    world = {"each[0]/ask": (Response(output=None),), "each[1]/ask": (Response(output=[["x"]]),)}
    scenario = chain(LoopNode(id="each", items="@", body=body), given=["", -0.0], world=world)
    assert {("empty text", "item"), ("minus zero", "item"), ("null", "result")} <= shown(scenario)


def test_signals_show_what_they_carry_and_what_they_are_called() -> None:
    scenario = replace(
        chain(WaitNode(id="w", signal="select")),
        signals=(PlannedSignal(id="s", name="select", payload="%s %d %(name)s %%"),),
    )
    assert {("%s %d %(name)s %%", "signal"), ("select", "signal name")} <= shown(scenario)


def test_names_that_look_alike_need_two_of_them() -> None:
    world = {"one": (Response(),), "two": (Response(),)}
    ship, other = ActivityNode(id="Ship It", activity="one"), ActivityNode(id="ship-it", activity="two")
    assert ("dashes", "step id") in shown(chain(ship, other, world=world))
    assert ("dashes", "step id") not in shown(chain(ship, replace(other, id="pack"), world=world))


def test_what_is_skipped_shows_nothing() -> None:
    never = ActivityNode(id="a.b", activity="ask")
    scenario = chain(
        ConditionNode(id="c", expression="@", cases=(Case(port="way", value="never met"),)),
        never,
        given=1,
        world={"ask": (Response(output="{{ name }}"),)},
    )
    assert not {("a.b", "step id"), ("{{ name }}", "output")} & shown(scenario)


def test_branches_iterations_and_retries_are_features() -> None:
    found = {scenario.id: features_of(expect(scenario)) for scenario in load_catalog()}
    assert {"two activities", "parallel branches"} <= found["30-join-all"]
    assert found["01-one-activity"] == frozenset()
    assert {"nested loops", "three iterations"} & found["55-loop-in-loop"]
    assert "three iterations" in found["53-loop-three-items"]
    assert "retry" in found["04-retry-second-attempt"]
    assert ("wait" in found["42-wait-for-timer"], "signal" in found["42-wait-for-timer"]) == (True, False)
    assert ("wait" in found["41-wait-for-signal"], "signal" in found["41-wait-for-signal"]) == (False, True)


def test_features_are_seen_in_the_loops_that_they_are_in_and_beside_those_that_are_open() -> None:
    found = {scenario.id: nested_features(scenario, expect(scenario)) for scenario in load_catalog()}
    assert found["30-join-all"] == {("a join for all", "outside loops")}
    assert found["01-one-activity"] == frozenset()
    assert found["59-error-handled-inside-loop"] >= {("an error routed", "in items")}
    assert found["55-loop-in-loop"] == frozenset()
    assert found["114-loops-that-wait-together"] == {
        ("two open loops", "outside loops"),
        ("a signal", "in items"),
        ("a signal", "in turns"),
        ("a join for all", "outside loops"),
    }
    assert found["115-waits-at-every-depth"] >= {
        ("a wait beside an open loop", "outside loops"),
        ("a signal", "in items in items"),
    }
    beside = {("a failure beside an open loop", "outside loops"), ("two open loops", "outside loops")}
    assert found["116-fails-beside-open-loops"] >= {*beside, ("a failure", "outside loops")}
    deep = {"in items in turns", "in turns in items"}
    for name, features in {
        "118-errors-two-loops-deep": ("an error passed over", "an error routed", "a retry"),
        "119-joins-two-loops-deep": ("a join for all", "a join for any", "a condition", "a signal"),
        "120-deadlines-two-loops-deep": ("a signal", "a timeout", "a timer"),
    }.items():
        assert found[name] >= {(feature, nesting) for feature in features for nesting in deep}


def test_branches_are_counted_where_they_part_and_where_they_meet() -> None:
    found = {scenario.id: branches_of(expect(scenario)) for scenario in load_catalog()}
    assert found["03-data-flow"] == 1
    assert found["75-wide-fan"] == 12
    assert found["121-fans-of-65-and-130"] == 130


def test_a_sample_without_loops_in_loops_says_so() -> None:
    collector = MaterialCollector()
    for number in ("03", "30", "55", "59", "75"):
        scenario = next(each for each in load_catalog() if each.id.startswith(number))
        collector.add(scenario, expect(scenario))
    summary = collector.summary()
    assert summary.pairs["an error routed", "in items"] == 1
    assert summary.pairs["an error routed", "in items in items"] == 0
    assert any(each.startswith("pairs of features that no scenario shows") for each in summary.lacks())
    assert any(each.startswith("the widest scenario") for each in summary.lacks())


def test_what_is_gathered_apart_comes_to_the_same() -> None:
    whole, first, second = (MaterialCollector() for _ in range(3))
    for number in range(1, 21):
        scenario = drawn(3, number)
        expected = expect(scenario)
        for collector in (whole, first if number < 9 else second):
            collector.add(scenario, expected)
    first.absorb(second.part())
    assert first.summary() == whole.summary()
    assert material_part(first.summary()).rows == material_part(whole.summary()).rows


def test_a_designed_run_that_lacks_a_kind_is_inconclusive_and_a_chosen_one_is_not() -> None:
    lacks = list(MaterialCollector().summary().lacks())
    assert lacks
    reasons = {
        material: material_reason(replace(MANIFEST, material=material), lacks)
        for material in ("designed", "chosen", "")
    }
    assert {material: reason.verdict for material, reason in reasons.items()} == {
        "designed": Verdict.INCONCLUSIVE,
        "chosen": Verdict.PASS,
        "": Verdict.INCONCLUSIVE,
    }
    assert "boundary values that no scenario shows" in reasons["designed"].text
    assert material_reason(replace(MANIFEST, material="designed"), []).verdict is Verdict.PASS


def test_a_run_without_trials_shows_nothing() -> None:
    summary = Gathered(MANIFEST, ()).material.summary()
    assert (summary.values, summary.placed, summary.most_steps, summary.most_bytes) == (0, 0, 0, 0)
    assert not any(summary.cells.values())


def test_material_is_designed_only_where_enough_is_drawn_and_nothing_named(tmp_path: object) -> None:
    few = [drawn(1, 1)] * (DESIGNED_FROM - 1)
    assert material_of((), (), (), few) == "chosen"
    assert material_of((), (), (), [*few, *few[:1]]) == "designed"
    assert material_of((), (), ("a",), few * 2) == "chosen"
    assert material_of((), (object(),), (), few * 2) == "chosen"  # type: ignore[arg-type]
    assert material_of((tmp_path,), (), (), few * 2) == "chosen"  # type: ignore[arg-type]
