"""Which crash cases are planned, and in which order a sample takes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

import pytest

from cutover.engines.api import (
    ActivityNode,
    ConditionNode,
    Edge,
    JoinNode,
    LoopNode,
    Node,
    StartNode,
    WaitNode,
    Workflow,
)
from cutover.harness.judge.reference.races import races_a_timer
from cutover.harness.record.cases import CrashCase, CrashTrial, KillPoint, Way
from cutover.harness.record.trials import ArmRecord
from cutover.harness.run.crash.plan import (
    BASIC_WAYS,
    CasePlan,
    kinds_at,
    next_deaths,
    pairs,
    plan_cases,
    sample,
)
from cutover.harness.run.crash.sampling import selection
from cutover.scenarios.catalog import load_catalog
from cutover.scenarios.model import PlannedSignal, Scenario


def scenario(name: str, *nodes: Node, signals: tuple[PlannedSignal, ...] = ()) -> Scenario:
    every = (StartNode(id="start"), *nodes)
    edges = tuple(Edge(source=a.id, target=b.id) for a, b in zip(every, nodes, strict=False))
    return Scenario(id=name, workflow=Workflow(id="w", nodes=every, edges=edges), signals=signals)


def trial(of: Scenario, points: Mapping[str, tuple[str, ...]]) -> CrashTrial:
    arm = ArmRecord(arm="candidate", engine="v2", execution_id=UUID(int=1), position=0, journal=None)
    return CrashTrial(
        scenario=of, baseline=arm, points={KillPoint.parse(name): steps for name, steps in points.items()}
    )


SHIP = scenario("ship", ActivityNode(id="post", activity="post"))
ONE = trial(
    SHIP,
    {
        "request:1": ("start", "post"),
        "answer:1": ("start", "post"),
        "call:1": ("post",),
        "reply:1": ("post",),
        "request:2": (),
        "answer:2": (),
    },
)
WAITING = scenario("waiting", WaitNode(id="wait", signal="go"), signals=(PlannedSignal(id="g", name="go"),))


def planned(of: CrashTrial, *ways: Way) -> set[str]:
    return {str(case).partition("@")[2] for case in plan_cases(of, CasePlan(engine="v2", ways=ways))}


def test_every_point_gets_every_way_in_which_a_process_dies() -> None:
    points = ("request:1", "answer:1", "call:1", "reply:1", "request:2", "answer:2")
    assert planned(ONE, *BASIC_WAYS) == {f"{point}/{way}" for point in points for way in BASIC_WAYS}


@pytest.mark.parametrize(
    ("way", "points"),
    [
        (Way.CUT, {"request:1", "request:2", "answer:1", "answer:2"}),
        (Way.OUTAGE, {"request:1", "request:2", "answer:1", "answer:2"}),
        (Way.RESTART, {"request:1", "request:2", "answer:1", "answer:2", "call:1", "reply:1"}),
        (Way.CANCEL, {"answer:1", "call:1", "reply:1", "request:2", "answer:2"}),
        (Way.SIGNAL_LATE, set()),
        (Way.AGAIN, set()),
    ],
)
def test_a_way_is_planned_where_it_can_happen(way: Way, points: set[str]) -> None:
    assert planned(ONE, way) == {f"{point}/{way}" for point in points}


@pytest.mark.parametrize("way", [Way.SERIALIZATION, Way.DEADLOCK])
def test_a_request_is_refused_once_and_twice_and_three_times_in_a_row(way: Way) -> None:
    again = "@request:1"
    times = ("", again, again * 2, ":12")
    assert planned(ONE, way) == {f"request:{n}/{way}{more}" for n in (1, 2) for more in times}


def test_a_connection_is_lost_once_anywhere_and_many_times_in_a_row_from_a_request_on() -> None:
    anywhere = {f"{point}/drop" for point in ("request:1", "request:2", "answer:1", "answer:2")}
    assert planned(ONE, Way.DROP) == anywhere | {"request:1/drop:12", "request:2/drop:12"}


def test_signals_are_delivered_in_ways_of_their_own() -> None:
    one = trial(WAITING, {"request:1": ("start", "wait"), "signal:1": ()})
    assert planned(one, Way.ONCE, Way.SIGNAL_TWICE, Way.SIGNAL_STRAY) == {
        "request:1/once",
        "signal:1/signal-twice",
        "signal:1/signal-stray",
    }


def test_a_small_scenario_gets_every_pair_of_deaths() -> None:
    once = {CrashCase("ship", point, Way.ONCE): {"request": 2, "call": 1} for point in ONE.points}
    found = list(pairs(ONE, once, CasePlan(engine="v2")))
    assert len(found) == len(set(found)) == 6 * (2 + 2 + 1 + 1)
    assert {str(case.second) for case in found} == {
        "request:1",
        "request:2",
        "answer:1",
        "answer:2",
        "call:1",
        "reply:1",
    }


def test_a_larger_scenario_gets_a_sample_of_pairs_that_the_seed_draws() -> None:
    large = trial(SHIP, {f"answer:{number}": ("post",) for number in range(1, 21)})
    once = {CrashCase("ship", point, Way.ONCE): {"request": 9, "call": 3} for point in large.points}
    found = [list(pairs(large, once, CasePlan(engine="v2", seed=seed, pairs_per_point=2))) for seed in (1, 1, 2)]
    assert [len(each) for each in found] == [40, 40, 40]
    assert found[0] == found[1] != found[2]


def test_kinds_are_those_of_the_steps_that_a_point_touches_in_loops_too() -> None:
    body = Workflow(
        id="b",
        nodes=(StartNode(id="start"), ConditionNode(id="if", expression="@"), JoinNode(id="join")),
        edges=(Edge(source="start", target="if"), Edge(source="if", target="join", port="true")),
    )
    loop = scenario("loop", LoopNode(id="each", body=body, items="@"))
    one = trial(
        loop,
        {"answer:1": ("start", "each", "each[0]/start"), "answer:2": ("each[1]/if",), "answer:3": (), "signal:1": ()},
    )
    assert kinds_at(one, KillPoint("answer", 1)) == ("loop", "start")
    assert kinds_at(one, KillPoint("answer", 2)) == ("condition",)
    assert kinds_at(one, KillPoint("answer", 3)) == ("execution",)
    assert kinds_at(one, KillPoint("signal", 1)) == ("wait",)


def test_a_sample_has_a_case_of_every_scenario_and_the_seed_decides() -> None:
    cases = [CrashCase(name, KillPoint("answer", n), Way.ONCE) for name in "abc" for n in range(1, 51)]
    drawn = sample(cases, 7, 10)
    assert len(drawn) == 10
    assert {case.scenario for case in drawn} == set("abc")
    assert drawn == sorted(drawn)
    assert drawn == sample(cases, 7, 10) != sample(cases, 8, 10)
    assert sample(cases, 7, None) == cases


def test_a_death_more_is_at_a_point_of_the_last_resume_and_there_are_three_at_most() -> None:
    once = CrashCase("ship", KillPoint("answer", 1), Way.ONCE)
    [second] = next_deaths(once, {"request": 4, "call": 1}, CasePlan(engine="v2", seed=5))
    assert (second.way, second.point) == (Way.AGAIN, once.point)
    [third] = next_deaths(second, {"request": 2}, CasePlan(engine="v2", seed=5))
    assert third.further[0] == second.second
    assert third.further[1].number <= 2
    assert next_deaths(third, {"request": 2}, CasePlan(engine="v2")) == []
    assert next_deaths(once, {}, CasePlan(engine="v2")) == []


def test_a_selection_shows_every_kind_of_node_even_where_the_run_has_but_one() -> None:
    chosen = selection([SHIP], load_catalog())
    kinds = {node.kind for each in chosen for node in each.workflow.nodes}
    assert kinds == {"start", "activity", "condition", "join", "wait", "loop"}
    assert SHIP in chosen
    assert any(isinstance(node, WaitNode) and node.timeout_ms for each in chosen for node in each.workflow.nodes)
    assert any(each.signals for each in chosen)
    assert len(chosen) < len(load_catalog()) / 4


@pytest.mark.parametrize(
    ("timeout_ms", "signal", "cancel", "races"),
    [
        (1_000, "go", None, True),
        (86_400_000, "go", None, False),
        (None, "go", None, False),
        (1_000, "other", None, False),
        (1_000, "other", 1, True),
        (86_400_000, "other", 1, False),
    ],
)
def test_a_signal_or_a_cancellation_that_races_a_short_timer_is_known(
    timeout_ms: int | None,
    signal: str,
    cancel: int | None,
    races: bool,  # noqa: FBT001 - a row of the table
) -> None:
    wait = WaitNode(id="wait", signal=signal, timeout_ms=timeout_ms)
    one = scenario("s", wait, signals=(PlannedSignal(id="g", name="go"),))
    assert races_a_timer(replace(one, cancel_at_pause=cancel)) is races


def test_no_scenario_of_the_catalog_is_left_out_of_crashes() -> None:
    assert [each.id for each in load_catalog() if races_a_timer(each)] == []
