"""What a sample of the crash matrix takes first, and that it goes into depth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import islice
from uuid import UUID

import pytest
from rows import CALL

from cutover.engines.api import ActivityNode, Edge, JoinNode, JsonValue, LoopNode, StartNode, WaitNode, Workflow
from cutover.harness.record.cases import CaseRecord, CrashCase, CrashTrial, KillPoint, Way
from cutover.harness.record.trials import ArmRecord
from cutover.harness.run.crash.features import PointFeatures, ScenarioFeatures
from cutover.harness.run.crash.plan import BASIC_WAYS, CasePlan, plan_cases
from cutover.harness.run.crash.sampling import Sampler, selection
from cutover.scenarios.catalog import load_catalog
from cutover.scenarios.extents import calls, steps
from cutover.scenarios.model import PlannedSignal, Response, Scenario

CATALOG = {scenario.id.partition("-")[0]: scenario for scenario in load_catalog()}
START = StartNode(id="start")
PAID, PACKED = ActivityNode(id="pay", activity="pay"), ActivityNode(id="pack", activity="pack")
ARM = ArmRecord(arm="candidate", engine="v2", execution_id=UUID(int=1), position=0, journal=None)


def scenario(name: str, *edges: tuple[str, str]) -> Scenario:
    nodes = (START, PAID, PACKED, JoinNode(id="join"))
    lines = tuple(Edge(source=source, target=target) for source, target in edges)
    return Scenario(id=name, workflow=Workflow(id="w", nodes=nodes, edges=lines))


FORK = scenario("fork", ("start", "pay"), ("start", "pack"), ("pay", "join"), ("pack", "join"))
ROW = scenario("row", ("start", "pay"), ("pay", "pack"), ("pack", "join"))


def trial(of: Scenario, points: Mapping[str, tuple[str, ...]], arm: ArmRecord = ARM) -> CrashTrial:
    return CrashTrial(
        scenario=of, baseline=arm, points={KillPoint.parse(name): steps for name, steps in points.items()}
    )


TWO = {
    "request:1": ("start", "pay"),
    "answer:1": ("start", "pay"),
    "call:1": ("pay",),
    "reply:1": ("pay",),
    "request:2": ("pay", "pack"),
    "answer:2": ("pay", "pack"),
    "call:2": ("pack",),
    "reply:2": ("pack",),
    "request:3": ("pack", "join"),
    "answer:3": ("pack", "join"),
}


def shown(name: str) -> frozenset[str]:
    return ScenarioFeatures(CATALOG[name]).shown


@pytest.mark.parametrize(
    ("name", "feature"),
    [
        ("03", "chain"),
        ("31", "branches"),
        ("35", "branches"),
        ("32", "any"),
        ("55", "loop in a loop"),
        ("60", "iterations"),
        ("68", "wait in a loop"),
        ("79", "dozen"),
        ("78", "large"),
        ("06", "retry"),
        ("80", "late retry"),
        ("101", "branches not by name"),
        ("65", "used up"),
        ("42", "timer"),
        ("50", "cancel"),
        ("135", "cancel of several"),
        ("47", "timers together"),
        ("76", "long"),
        ("123", "long"),
    ],
)
def test_the_catalog_shows_what_it_is_there_for(name: str, feature: str) -> None:
    assert feature in shown(name)
    assert feature not in shown("01")


@pytest.mark.parametrize("name", ["19", "36", "76"])
def test_ways_that_exclude_one_another_and_chains_are_no_branches(name: str) -> None:
    assert "branches" not in shown(name)


def test_features_of_a_point_are_of_what_has_happened_by_then() -> None:
    at = PointFeatures(trial(FORK, TWO)).at
    assert at(KillPoint("answer", 1)) == {"branch"}
    assert at(KillPoint("call", 1)) == {"branch"}
    assert at(KillPoint("call", 2)) == at(KillPoint("reply", 2)) == {"branch", "one done"}
    assert at(KillPoint("request", 2)) == {"branch", "hands over"}
    assert at(KillPoint("answer", 2)) == {"branch", "handed over"}
    assert at(KillPoint("answer", 3)) == {"branch", "one done"}
    assert PointFeatures(trial(ROW, TWO)).at(KillPoint("call", 1)) == frozenset()


def test_waits_that_follow_one_another_are_not_together() -> None:
    assert "timers together" not in shown("108")
    assert "cancel of several" not in shown("51")


def test_a_point_is_before_or_behind_waits_that_begin_in_one_commit() -> None:
    points = {
        "request:1": ("start", "hour", "day"),
        "answer:1": ("start", "hour", "day"),
        "request:2": ("hour",),
        "answer:2": ("hour",),
    }
    nodes = (START, WaitNode(id="hour", timeout_ms=1), WaitNode(id="day", timeout_ms=2))
    edges = (Edge(source="start", target="hour"), Edge(source="start", target="day"))
    waits = Scenario(id="waits", workflow=Workflow(id="w", nodes=nodes, edges=edges))
    features = PointFeatures(trial(waits, points))
    assert "waits together" in features.at(KillPoint("request", 1))
    assert "behind waits together" in features.at(KillPoint("answer", 1))
    assert not {"waits together", "behind waits together"} & features.at(KillPoint("answer", 2))


def test_what_comes_behind_the_last_change_of_a_cancelled_execution_is_of_the_cancel() -> None:
    points = {"request:1": ("start",), "answer:1": ("start",), "request:2": (), "answer:2": ()}
    features = PointFeatures(trial(replace(ROW, cancel_at_pause=1), points))
    assert "cancels" in features.at(KillPoint("request", 2))
    assert "cancelled" in features.at(KillPoint("answer", 1)) & features.at(KillPoint("answer", 2))
    assert not {"cancels", "cancelled"} & PointFeatures(trial(ROW, points)).at(KillPoint("request", 2))


def test_features_of_a_point_in_a_loop_are_of_its_iterations() -> None:
    body = Workflow(id="b", nodes=(START, PAID, WaitNode(id="w", signal="go")), edges=())
    inner = LoopNode(id="inner", body=body, items="@")
    outer = LoopNode(id="outer", body=Workflow(id="o", nodes=(START, inner)), items="@")
    loops = Scenario(id="loops", workflow=Workflow(id="l", nodes=(START, outer)))
    points = {
        "answer:1": ("outer[0]/inner[1]/pay",),
        "answer:2": ("outer[0]/inner[2]/w",),
        "answer:3": ("outer[10]/start",),
        "answer:4": ("outer[11]/start",),
    }
    retried = replace(ARM, ledger=(replace(CALL, step_id="outer[0]/inner[1]/pay", attempt=2),))
    at = PointFeatures(trial(loops, points, retried)).at
    assert at(KillPoint("answer", 1)) == {"inner round", "retried"}
    assert at(KillPoint("answer", 2)) == {"inner round", "third round"}
    assert at(KillPoint("answer", 3)) == {"third round", "waited"}
    assert at(KillPoint("answer", 4)) == {"third round", "twelfth round", "waited"}


def test_a_point_after_the_twentieth_activity_is_one_of_a_long_execution() -> None:
    names = [f"step_{number:02}" for number in range(1, 24)]
    points = {f"{kind}:{number}": (name,) for number, name in enumerate(names, 1) for kind in ("call", "reply")}
    at = PointFeatures(trial(CATALOG["76"], points)).at
    assert [number for number in range(1, 24) if "twenty done" in at(KillPoint("call", number))] == [22, 23]


def test_steps_and_calls_are_counted_with_all_iterations() -> None:
    loop = LoopNode(id="each", body=Workflow(id="b", nodes=(START, PAID)), items="@")
    workflow = Workflow(id="w", nodes=(START, PAID, loop))
    assert steps(workflow, lambda _path, _loop: 3) == 3 + 3 * 2
    assert calls(workflow, lambda path, _loop: {"each": 4}[path]) == 1 + 4


def test_long_executions_are_in_every_selection_and_are_few() -> None:
    chosen = [ScenarioFeatures(each).shown for each in selection(load_catalog(), load_catalog())]
    assert 1 <= sum("long" in shows for shows in chosen) <= 5


def test_the_longest_list_of_a_scenario_is_not_that_of_every_loop() -> None:
    """A list of 40 is never looped over, four items are; the world tells of twelve rounds of the other loop."""
    body = Workflow(id="b", nodes=(START, PAID))
    nodes = (START, LoopNode(id="few", body=body, items="order.lines"), LoopNode(id="poll", body=body, repeat=True))
    world = {"few[2]/pay": (Response(),), "poll[11]/pay": (Response(),)}
    value: JsonValue = {"order": {"lines": [1, 2, 3, 4]}, "all": [0] * 40}
    few = Scenario(id="few", workflow=Workflow(id="w", nodes=nodes[:2]), input=value)
    assert ScenarioFeatures(few).shown & {"iterations", "dozen"} == {"iterations"}
    both = Scenario(id="both", workflow=Workflow(id="w", nodes=nodes), input=value, world=world)
    assert ScenarioFeatures(both).shown >= {"iterations", "dozen"}
    assert ScenarioFeatures(few).effort == 2 + 4 * 2


def test_one_too_long_is_killed_only_where_few_are_the_run_s_own() -> None:
    """90 iterations are more than a sample bears where there is enough else."""
    items = tuple(Response(output=number) for number in range(90))
    body = Workflow(id="b", nodes=(START, PAID))
    long = Scenario(
        id="long",
        workflow=Workflow(id="l", nodes=(START, LoopNode(id="each", body=body, items="lines"))),
        input={"lines": list(range(90))},
        world={"each/pay": items},
    )
    many = [replace(ROW, id=f"row-{number}") for number in range(32)]
    assert long in selection([long], [])
    assert long in selection([long, *many[:31]], [])
    assert long not in selection([long, *many], [])


def test_a_sample_takes_every_case_once_and_turns_about() -> None:
    plan = CasePlan(engine="v2", ways=(*BASIC_WAYS, Way.CUT), seed=3)
    trials = [trial(ROW, TWO), trial(FORK, TWO)]
    taken = list(Sampler(trials, plan).cases())
    assert sorted(map(str, taken)) == sorted(str(case) for each in trials for case in plan_cases(each, plan))
    assert [case.scenario for case in taken[:6]] == ["row", "fork"] * 3
    assert taken == list(Sampler(trials, plan).cases())
    assert taken != list(Sampler(trials, replace(plan, seed=4)).cases())


def test_the_first_cases_of_a_sample_are_of_kinds_that_differ() -> None:
    plan = CasePlan(engine="v2", ways=BASIC_WAYS, seed=3)
    first = list(islice(Sampler([trial(ROW, TWO)], plan).cases(), 28))
    assert {(case.way, case.point.kind) for case in first} == {
        (way, kind) for way in BASIC_WAYS for kind in ("request", "answer", "call", "reply")
    }


def test_storms_take_turns_so_that_they_are_no_more_than_other_ways() -> None:
    points = {f"request:{number}": ("pay",) for number in range(1, 4)}
    ways = (Way.ONCE, Way.TWICE, Way.SERIALIZATION, Way.DEADLOCK, Way.DROP)
    taken = list(islice(Sampler([trial(ROW, points)], CasePlan(engine="v2", ways=ways)).cases(), 20))
    once = [case for case in taken if case.way is Way.ONCE]
    storms = [case for case in taken if case.storm]
    assert (len(once), len(storms)) == (2, 2)  # ten ways and numbers in a row, two turns each


def test_what_a_resume_passed_through_is_killed_once_more_and_again() -> None:
    sampler = Sampler([trial(ROW, TWO)], CasePlan(engine="v2", ways=(Way.ONCE, Way.AGAIN)))
    played: list[CrashCase] = []
    for case in sampler.cases():
        played.append(case)
        record = CaseRecord(
            case=case,
            planned=1,
            fired=1,
            arm=ARM,
            resume_points={"request": 3, "call": 1} if case.third is None else {},
        )
        sampler.heard(record)
        if len(played) > 200:
            break
    assert {len(case.further) for case in played} >= {0, 1}
    assert all(case.way is Way.AGAIN for case in played if case.further)
    assert len(played) == len(set(played)) == sampler.total


def test_a_server_dies_where_something_had_been_done() -> None:
    sampler = Sampler([trial(ROW, TWO), trial(FORK, TWO)], CasePlan(engine="v2"))
    restarts = sampler.restarts(4)
    assert len(set(restarts)) == 4
    assert {case.way for case in restarts} == {Way.RESTART}
    assert all(case.point.number > 1 for case in restarts)
    assert Sampler([trial(ROW, {"request:1": ("start",)})], CasePlan(engine="v2")).restarts(4) == ()


def test_a_server_dies_when_an_engine_has_acted_upon_a_signal() -> None:
    wait = WaitNode(id="wait", signal="go")
    lines = (Edge(source="start", target="wait"), Edge(source="wait", target="pay"))
    woken = Scenario(id="woken", workflow=Workflow(id="w", nodes=(START, wait, PAID), edges=lines))
    points = {"request:1": ("start", "wait"), "call:1": ("pay",), "reply:1": ("pay",), "request:2": ("pay",)}
    restarts = Sampler([trial(ROW, TWO), trial(woken, points)], CasePlan(engine="v2")).restarts(2)
    assert (restarts[0].scenario, str(restarts[0].point)) == ("woken", "call:1")


def test_a_server_dies_elsewhere_where_an_engine_has_no_point_of_a_kind() -> None:
    unheard = {name: steps for name, steps in TWO.items() if not name.startswith("answer")}
    restarts = Sampler([trial(ROW, unheard), trial(FORK, unheard)], CasePlan(engine="v2")).restarts(4)
    assert {case.point.kind for case in restarts} == {"call", "reply"}
    assert len(set(restarts)) == len(restarts) == 4


def test_a_selection_goes_into_depth_and_has_the_runs_own() -> None:
    chosen = selection(load_catalog(), load_catalog())
    features = frozenset[str]().union(*(ScenarioFeatures(each).shown for each in chosen))
    assert features == frozenset[str]().union(*(ScenarioFeatures(each).shown for each in load_catalog()))
    several = [each for each in chosen if {"chain", "branches", "loop in a loop"} & ScenarioFeatures(each).shown]
    assert len(several) > 6
    waits = Scenario(
        id="own",
        workflow=Workflow(id="w", nodes=(START, WaitNode(id="wait", signal="go"))),
        signals=(PlannedSignal(id="g", name="go"),),
        world={"pay": (Response(output=1),)},
    )
    assert waits in selection([waits], load_catalog())


def test_only_a_delay_beyond_a_takeover_makes_a_retry_late() -> None:
    assert "late retry" not in shown("06")


def test_a_step_is_between_tries_where_it_had_failed_and_did_not_run_again() -> None:
    points = {
        "request:1": ("pay",), "answer:1": ("pay",), "call:1": ("pay",), "reply:1": ("pay",),
        "request:2": ("pay",), "answer:2": ("pay",),
        "request:3": ("pay",), "answer:3": ("pay",), "call:2": ("pay",), "reply:2": ("pay",),
        "request:4": ("pay", "pack"), "answer:4": ("pay", "pack"),
        "request:5": ("pack",), "answer:5": ("pack",),
    }  # fmt: skip
    tried = replace(ARM, ledger=(replace(CALL, step_id="pay"), replace(CALL, step_id="pay", attempt=2)))
    features = PointFeatures(trial(ROW, points, tried))
    between = [name for name in points if "between tries" in features.at(KillPoint.parse(name))]
    assert between == ["answer:2", "request:3"]
    assert not any("between late tries" in features.at(KillPoint.parse(name)) for name in points)
    charged = replace(tried, ledger=tuple(replace(entry, step_id="charge") for entry in tried.ledger))
    late = PointFeatures(trial(CATALOG["80"], dict.fromkeys(points, ("charge",)), charged))
    assert "between late tries" in late.at(KillPoint.parse("answer:2"))


def test_what_ends_in_time_and_branches_in_alphabetical_order_show_nothing_of_that_kind() -> None:
    assert "used up" not in shown("60")
    assert "branches not by name" not in shown("75")


def test_the_order_of_a_trial_is_that_of_first_calls() -> None:
    calls = [replace(CALL, sequence=n, step_id=name) for n, name in enumerate(["pay", "pack", "pay"], start=1)]
    assert trial(FORK, TWO, replace(ARM, ledger=tuple(reversed(calls)))).order == ("pay", "pack")
