"""The catalog: every scenario is sound, says what it shows, and together they show everything."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from pathlib import Path

import jsonschema
import pytest

from cutover.engines.api import ActivityNode, ConditionNode, JoinNode, LoopNode, Node, RetryPolicy, WaitNode
from cutover.harness.judge.reference.model import Expected, expect
from cutover.scenarios.catalog import load_catalog
from cutover.scenarios.files import dumps, json_schema, load_folder
from cutover.scenarios.tokens import TOKEN, token_of
from cutover.scenarios.validate import nodes_of

FOLDER = Path(str(resources.files("cutover.scenarios.catalog")))
CATALOG = {scenario.id: scenario for scenario in load_catalog()}
ENDS = {
    "07-retry-exhausted": "failed",
    "10-no-retries-allowed": "failed",
    "11-not-retryable": "failed",
    "12-retry-then-not-retryable": "failed",
    "14-failed-with-effect": "failed",
    "29-expression-error": "failed",
    "49-left-waiting": "running",
    "50-cancelled-at-pause": "cancelled",
    "51-cancelled-at-second-pause": "cancelled",
    "57-items-not-a-list": "failed",
    "58-failure-inside-loop": "failed",
    "65-repeat-too-often": "failed",
    "97-too-deep-together": "failed",
    "98-results-too-deep": "failed",
    "99-answer-too-deep": "failed",
    "116-fails-beside-open-loops": "failed",
    "135-cancelled-with-several-open": "cancelled",
    "117-fails-in-a-loop-beside-others": "failed",
}
"""How each scenario ends, worked out by hand; those not listed are completed."""

each_scenario = pytest.mark.parametrize("name", CATALOG)


@cache
def expected() -> tuple[Expected, ...]:
    return tuple(expect(scenario) for scenario in CATALOG.values())


def all_nodes() -> list[tuple[tuple[str, ...], Node]]:
    return [pair for scenario in CATALOG.values() for pair in nodes_of(scenario.workflow)]


def test_the_catalog_is_read_in_the_order_of_its_files() -> None:
    names = sorted(path.stem for path in FOLDER.glob("*.json"))
    assert list(CATALOG) == names
    assert len(names) >= 24
    assert load_folder(FOLDER) == load_catalog()


@each_scenario
def test_a_scenario_is_written_as_the_project_writes_it(name: str) -> None:
    text = (FOLDER / f"{name}.json").read_text(encoding="utf-8")
    assert dumps(CATALOG[name]) == text
    jsonschema.Draft202012Validator(json_schema()).validate(json.loads(text))


@each_scenario
def test_a_scenario_says_what_it_shows_and_carries_its_own_token_only(name: str) -> None:
    scenario = CATALOG[name]
    assert scenario.title
    assert scenario.tags
    assert scenario.origin == "catalog"
    assert set(TOKEN.findall(dumps(scenario))) == {token_of(name)}


@each_scenario
def test_a_scenario_ends_as_worked_out_by_hand(name: str) -> None:
    assert expect(CATALOG[name]).outcome.status == ENDS.get(name, "completed")


def test_every_hand_worked_end_belongs_to_a_scenario() -> None:
    assert set(ENDS) <= set(CATALOG)


def test_every_node_kind_ends_in_every_way_it_can() -> None:
    seen = {(step.kind, step.status) for found in expected() for step in found.steps.values()}
    possible = {(kind, "completed") for kind in ("start", "activity", "condition", "join", "wait", "loop")}
    possible |= {(kind, "skipped") for kind in ("activity", "condition", "join", "wait", "loop")}
    possible |= {(kind, "failed") for kind in ("activity", "condition", "loop")}
    possible |= {("wait", "paused"), ("wait", "cancelled")}
    assert possible <= seen


def test_every_port_is_taken() -> None:
    taken = {(step.kind, port) for found in expected() for step in found.steps.values() for port in step.ports}
    fixed = {("start", "out"), ("join", "out"), ("wait", "out"), ("wait", "timeout"), ("loop", "out")}
    fixed |= {("activity", "out"), ("activity", "error"), ("condition", "true"), ("condition", "false")}
    assert fixed | {("condition", "default")} <= taken
    assert {("activity", "clean"), ("activity", "audit"), ("loop", "done"), ("loop", "refused")} <= taken
    cases = {type(case.value) for _, node in all_nodes() if isinstance(node, ConditionNode) for case in node.cases}
    assert cases == {str, int, float, bool, type(None)}


def test_every_outcome_of_a_retry_is_there() -> None:
    steps = [step for found in expected() for step in found.steps.values() if step.kind == "activity"]
    seen = {(step.status, step.attempts) for step in steps}
    assert {("completed", attempts) for attempts in (1, 2, 3, 4, 6)} <= seen
    assert {("failed", attempts) for attempts in (1, 2, 4)} <= seen
    delays = {tuple(step.delays_ms) for step in steps}
    assert ((1000, 1000), (2000, 2000), (4000, 4000)) in delays
    assert ((200, 200), (300, 300), (450, 450), (675, 675), (700, 700)) in delays
    assert ((500, 1000), (1000, 2000), (2000, 4000)) in delays


def test_every_setting_of_a_node_is_there() -> None:
    nodes = [node for _, node in all_nodes()]
    activities = [node for node in nodes if isinstance(node, ActivityNode)]
    waits = [node for node in nodes if isinstance(node, WaitNode)]
    loops = [node for node in nodes if isinstance(node, LoopNode)]
    assert {node.on_error for node in activities} == {"fail", "continue", "route"}
    assert {node.mode for node in nodes if isinstance(node, JoinNode)} == {"all", "any"}
    assert {(node.signal is None, node.timeout_ms is None) for node in waits} == {
        (False, True),
        (True, False),
        (False, False),
    }
    assert {node.repeat for node in loops} == {True, False}
    assert any(node.max_iterations < 10 for node in loops)
    plain = RetryPolicy()
    for setting in ("max_retries", "initial_ms", "factor", "cap_ms", "jitter"):
        assert any(getattr(node.retry, setting) != getattr(plain, setting) for node in activities), setting


def test_loops_run_never_once_and_more_often_and_inside_each_other() -> None:
    counts = {
        len({step.split("/")[0] for step in found.steps if step.startswith(f"{node.id}[")})
        for scenario, found in zip(CATALOG.values(), expected(), strict=True)
        for loops, node in nodes_of(scenario.workflow)
        if isinstance(node, LoopNode) and not loops
    }
    assert {0, 1, 2, 3} <= counts
    assert {len(loops) for loops, _ in all_nodes()} == {0, 1, 2}
    assert any(step.count("[") == 2 for found in expected() for step in found.steps)


def test_every_answer_of_the_world_is_there() -> None:
    responses = [response for scenario in CATALOG.values() for many in scenario.world.values() for response in many]
    assert {(response.error is not None, response.effect) for response in responses} >= {
        (False, None),
        (False, False),
        (True, None),
        (True, True),
    }
    assert {response.retryable for response in responses if response.error} == {True, False}
    assert {response.echo for response in responses} == {True, False}
    assert {len(response.ports) for response in responses} >= {0, 1, 2}
    keys = {("[" in key, "/" in key, "." in key) for scenario in CATALOG.values() for key in scenario.world}
    assert {(True, True, False), (False, True, False), (False, False, True), (False, False, False)} <= keys


def test_waits_end_by_signal_and_by_timer_side_by_side_and_in_loops() -> None:
    steps = [step for found in expected() for step in found.steps.values() if step.kind == "wait"]
    assert any(step.woken_by == "timer" for step in steps)
    assert any(step.woken_by not in {None, "timer"} for step in steps)
    assert {found.pauses for found in expected()} >= {0, 1, 2}
    assert any("[" in step.step_id and step.kind == "wait" for step in steps)
    twice = [s for s in CATALOG.values() if len({signal.name for signal in s.signals}) < len(s.signals)]
    assert twice


def test_one_outcome_alone_depends_on_the_order_of_running() -> None:
    raced = "113-edges-in-another-order"  # which branch came first is what it asks for
    for scenario, found in zip(CATALOG.values(), expected(), strict=True):
        if scenario.id == raced:
            assert len({each.steps["offer"].input for each in (found, *found.alternatives)}) == 2
            continue
        for other in found.alternatives:
            assert other.steps == found.steps, scenario.id
            assert sorted(other.outcome.effects) == sorted(found.outcome.effects), scenario.id


def test_awkward_payloads_are_still_awkward() -> None:
    payload = CATALOG["70-awkward-payloads"].input
    assert isinstance(payload, dict)
    assert payload["nul"] == "a\0b"
    assert payload["high"] == "\ud800"
    assert payload["big"] == 10**30
    assert repr(payload["minus_zero"]) == "-0.0"
    assert payload["huge"] == 1e308
    assert payload[""] == {"": {"": []}}
    depth, value = 0, CATALOG["72-deep-payload"].input
    assert isinstance(value, dict)
    value = value["deep"]
    while isinstance(value, dict | list):
        value = value[0] if isinstance(value, list) else value["deeper"]
        depth += 1
    assert depth == 100
