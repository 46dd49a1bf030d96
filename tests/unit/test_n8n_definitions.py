"""What an n8n definition becomes: one rule of the importer a test, on workflows of a few nodes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from cutover.engines.api import ActivityNode, JoinNode, LoopNode, RetryPolicy, WaitNode, Workflow
from cutover.harness.judge.reference.model import expect
from cutover.scenarios.importers.imported import Imported, ImportRefused
from cutover.scenarios.importers.n8n.importer import IMPORTER, import_file
from cutover.scenarios.model import Scenario

START = "n8n-nodes-base.manualTrigger"


def node(name: str, kind: str = "httpRequest", **more: Any) -> dict[str, Any]:
    return {"name": name, "type": f"n8n-nodes-base.{kind}", "typeVersion": 1, "position": [0, 0], **more}


def to(*outputs: str | list[str], kind: str = "main") -> dict[str, Any]:
    """Connections, an output an argument: a node, or several; `Merge:1` is its second input."""
    listed = [[output] if isinstance(output, str) else output for output in outputs]
    ends = [[(*name.split(":"), "0")[:2] for name in output] for output in listed]
    return {kind: [[{"node": name, "type": kind, "index": int(index)} for name, index in output] for output in ends]}


def imported(folder: Path, nodes: list[dict[str, Any]], connections: Mapping[str, Any], **more: Any) -> Imported:
    path = folder / "some workflow.json"
    path.write_text(json.dumps({"nodes": nodes, "connections": connections, **more}), encoding="utf-8")
    return import_file(path)


def first(result: Imported) -> Scenario:
    assert result.refused is None, result.refused
    return result.scenarios[0]


def edges(workflow: Workflow) -> set[str]:
    return {f"{edge.source}.{edge.port} -> {edge.target}" for edge in workflow.edges}


def loop_of(workflow: Workflow) -> LoopNode:
    (loop,) = (one for one in workflow.nodes if isinstance(one, LoopNode))
    return loop


def test_a_trigger_becomes_the_start_and_a_node_an_activity_of_its_type(tmp_path: Path) -> None:
    workflow = first(imported(tmp_path, [node("Go", "start"), node("Ask")], {"Go": to("Ask")})).workflow
    assert [(one.id, one.kind) for one in workflow.nodes] == [("Go", "start"), ("Ask", "activity")]
    assert edges(workflow) == {"Go.out -> Ask"}
    ask = workflow.nodes[1]
    assert isinstance(ask, ActivityNode)
    assert (ask.activity, ask.retry.max_retries, ask.on_error) == ("n8n-nodes-base.httpRequest", 0, "fail")


def test_attachments_and_notes_are_no_steps_and_are_told(tmp_path: Path) -> None:
    nodes = [node("Go", "start"), node("Agent", "agent"), node("Model", "lmChatOpenAi"), node("Note", "stickyNote")]
    result = imported(tmp_path, nodes, {"Go": to("Agent"), "Model": to("Agent", kind="ai_languageModel")})
    assert [one.id for one in first(result).workflow.nodes] == ["Go", "Agent"]
    assert any(line.startswith("1 sticky notes") for line in result.dropped)
    assert any(line.startswith("1 attached nodes") for line in result.dropped)


def test_no_credential_and_no_parameter_gets_in(tmp_path: Path) -> None:
    secret = node("Ask", credentials={"httpAuth": {"id": "cred-77", "name": "Ann's key"}})
    secret["parameters"] = {"url": "https://ann:hunter2@example.org", "jsCode": "boom()"}
    result = imported(tmp_path, [node("Go", "start"), secret], {"Go": to("Ask")})
    kept = repr(first(result))
    assert not [word for word in ("cred-77", "Ann's key", "hunter2", "boom") if word in kept]
    assert "credentials of 1 nodes: never kept" in result.dropped


def test_every_trigger_starts_a_scenario_of_what_it_reaches(tmp_path: Path) -> None:
    nodes = [node("Manual", "manualTrigger"), node("Hook", "webhook"), node("A"), node("B"), node("Lost")]
    result = imported(tmp_path, nodes, {"Manual": to("A"), "Hook": to("B"), "A": to("B"), "Lost": to("B")})
    assert [[one.id for one in scenario.workflow.nodes] for scenario in result.scenarios] == [
        ["Manual", "A", "B"],
        ["Hook", "B"],
    ]
    assert any("1 nodes to which no start leads: 'Lost'" in line for line in result.dropped)


def test_without_a_trigger_the_nodes_without_inputs_start(tmp_path: Path) -> None:
    workflow = first(imported(tmp_path, [node("A"), node("B")], {"A": to("B")})).workflow
    assert edges(workflow) == {"start.out -> A", "A.out -> B"}


def test_a_disabled_trigger_does_not_start_beside_an_enabled_one(tmp_path: Path) -> None:
    nodes = [node("Old", "cron", disabled=True), node("New", "cron"), node("A")]
    result = imported(tmp_path, nodes, {"Old": to("A"), "New": to("A")})
    assert {scenario.workflow.nodes[0].id for scenario in result.scenarios} == {"New"}
    assert "trigger 'Old': disabled" in result.dropped


def test_a_disabled_node_passes_its_input_on(tmp_path: Path) -> None:
    nodes = [node("Go", "start"), node("Off", "if", disabled=True), node("A"), node("B")]
    result = imported(tmp_path, nodes, {"Go": to("Off"), "Off": to("A", "B")})
    workflow = first(result).workflow
    assert isinstance(workflow.nodes[1], JoinNode)
    assert edges(workflow) == {"Go.out -> Off", "Off.out -> A"}
    assert any(line.startswith("'Off' output 1: never taken") for line in result.dropped)


def test_outputs_have_readable_ports(tmp_path: Path) -> None:
    nodes = [node("Go", "start"), node("If", "if"), node("Switch", "switch"), *map(node, "ABCD")]
    nodes.append(node("Risky", onError="continueErrorOutput"))
    connections = {"Go": to("If"), "If": to("Switch", "Risky"), "Switch": to("A", "B"), "Risky": to("C", "D")}
    assert edges(first(imported(tmp_path, nodes, connections)).workflow) == {
        "Go.out -> If",
        "If.true -> Switch",
        "If.false -> Risky",
        "Switch.out -> A",
        "Switch.out1 -> B",
        "Risky.out -> C",
        "Risky.error -> D",
    }


@pytest.mark.parametrize(
    ("settings", "retry", "on_error"),
    [
        ({}, RetryPolicy(max_retries=0), "fail"),
        ({"retryOnFail": True}, RetryPolicy(max_retries=2, initial_ms=1_000, factor=1, cap_ms=1_000), "fail"),
        (
            {"retryOnFail": True, "maxTries": 9, "waitBetweenTries": 9_999, "continueOnFail": True},
            RetryPolicy(max_retries=4, initial_ms=5_000, factor=1, cap_ms=5_000),
            "continue",
        ),
        ({"maxTries": 4, "onError": "continueRegularOutput"}, RetryPolicy(max_retries=0), "continue"),
        ({"onError": "continueErrorOutput"}, RetryPolicy(max_retries=0), "route"),
        ({"onError": "stopWorkflow", "continueOnFail": True}, RetryPolicy(max_retries=0), "fail"),
    ],
)
def test_switches_become_retries_and_error_handling(
    tmp_path: Path, settings: dict[str, Any], retry: RetryPolicy, on_error: str
) -> None:
    result = imported(tmp_path, [node("Go", "start"), node("A", **settings)], {"Go": to("A")})
    activity = first(result).workflow.nodes[1]
    assert isinstance(activity, ActivityNode)
    assert (activity.retry, activity.on_error) == (retry, on_error)


@pytest.mark.parametrize(
    ("version", "parameters", "signal", "timeout_ms"),
    [
        (1, {}, None, 3_600_000),
        (1.1, {}, None, 5_000),
        (1.1, {"amount": 2, "unit": "minutes"}, None, 120_000),
        (1.1, {"amount": "={{ $json.n }}", "unit": "days"}, None, 86_400_000),
        (1.1, {"resume": "webhook"}, "webhook Pause", None),
    ],
)
def test_a_wait_has_its_time_or_its_signal(
    tmp_path: Path, version: float, parameters: dict[str, Any], signal: str | None, timeout_ms: int | None
) -> None:
    pause = node("Pause", "wait", parameters=parameters) | {"typeVersion": version}
    scenario = first(imported(tmp_path, [node("Go", "start"), pause], {"Go": to("Pause")}))
    assert scenario.workflow.nodes[1] == WaitNode(id="Pause", signal=signal, timeout_ms=timeout_ms)
    assert expect(scenario).outcome.status == "completed"


def test_a_merge_waits_and_any_other_node_with_two_inputs_is_copied_with_what_follows(tmp_path: Path) -> None:
    nodes = [node("Go", "start"), node("A"), node("B"), node("Merge", "merge"), node("Both"), node("After")]
    connections = {"Go": to(["A", "B"]), "A": to(["Merge", "Both"]), "B": to(["Merge:1", "Both"]), "Both": to("After")}
    workflow = first(imported(tmp_path, nodes, connections)).workflow
    assert edges(workflow) == {
        "Go.out -> A",
        "Go.out -> B",
        "A.out -> Merge",
        "B.out -> Merge",
        "A.out -> Both",
        "B.out -> Both~2",
        "Both.out -> After",
        "Both~2.out -> After~2",
    }
    assert [one.id for one in workflow.nodes if isinstance(one, JoinNode)] == ["Merge"]


def test_a_merge_below_copies_is_copied_where_each_copy_feeds_all_of_it(tmp_path: Path) -> None:
    nodes = [node("Go", "start"), *map(node, ("A", "B", "X", "L", "R")), node("M", "merge"), node("All", "merge")]
    connections = {
        "Go": to(["A", "B", "All:1"]),
        "A": to("X"),
        "B": to("X"),
        "X": to(["L", "R"]),
        "L": to("M"),
        "R": to("M:1"),
        "M": to("All"),
    }
    found = edges(first(imported(tmp_path, nodes, connections)).workflow)
    assert {"L.out -> M", "R.out -> M", "L~2.out -> M~2", "R~2.out -> M~2"} <= found
    assert {edge for edge in found if edge.endswith("-> All")} == {"Go.out -> All", "M.out -> All", "M~2.out -> All"}
    assert not any("All~2" in edge for edge in found)


def test_unfolding_is_bounded(tmp_path: Path) -> None:
    names = [f"n{i}" for i in range(40)]
    connections = {names[i]: to(names[i + 1 : i + 3]) for i in range(38)}
    result = imported(tmp_path, [node("Go", "start"), *map(node, names)], {"Go": to("n0"), **connections})
    assert result.refused is not None
    assert "more than 500 copies of nodes with several inputs" in result.refused
    assert result.scenarios == ()


def test_a_cycle_becomes_a_repeating_loop_that_ends(tmp_path: Path) -> None:
    nodes = [node("Go", "start"), node("Poll"), node("Ready?", "if"), node("Done")]
    connections = {"Go": to("Poll"), "Poll": to("Ready?"), "Ready?": to("Done", "Poll")}
    result = imported(tmp_path, nodes, connections)
    workflow = first(result).workflow
    loop = loop_of(workflow)
    assert edges(workflow) == {"Go.out -> Poll loop", "Poll loop.Ready?.true -> Done"}
    assert edges(loop.body) == {
        "start.out -> Poll",
        "Poll.out -> Ready?",
        "Ready?.true -> $exit.Ready?.true",
        "Ready?.false -> $again",
    }
    for scenario in result.scenarios:
        if scenario.id.endswith(".fails"):
            continue
        expected = expect(scenario)
        assert expected.outcome.status == "completed"
        assert expected.steps["Done"].status == "completed"


def test_what_hangs_off_a_cycle_runs_in_each_round_and_what_follows_it_once(tmp_path: Path) -> None:
    each = node("Each", "splitInBatches") | {"typeVersion": 3}
    nodes = [node("Go", "start"), each, node("Body"), node("Log"), node("Rare", "if"), node("Mail"), node("End")]
    connections = {
        "Go": to("Each"),
        "Each": to("End", "Body"),
        "Body": to(["Rare", "Log"]),
        "Rare": to("Mail", "Each"),
    }
    workflow = first(imported(tmp_path, nodes, connections)).workflow
    loop = loop_of(workflow)
    assert edges(workflow) == {
        "Go.out -> Each loop",
        "Each loop.Each.done -> End",
        "Each loop.Rare.true -> Mail",
    }
    assert {one.id for one in loop.body.nodes} == {"start", "Each", "Body", "Log", "Rare"}
    assert {"Each.done -> $exit.Each.done", "Rare.false -> $again", "Body.out -> Log"} <= edges(loop.body)


def test_a_cycle_inside_a_cycle_becomes_a_loop_inside_a_loop(tmp_path: Path) -> None:
    nodes = [node("Go", "start"), node("Outer", "if"), node("Inner", "if"), node("Work"), node("End")]
    connections = {
        "Go": to("Outer"),
        "Outer": to("Inner", "End"),
        "Inner": to("Work", "Outer"),
        "Work": to("Inner"),
    }
    result = imported(tmp_path, nodes, connections)
    outer = loop_of(first(result).workflow)
    inner = loop_of(outer.body)
    assert (outer.id, inner.id) == ("Outer loop", "Inner loop")
    assert {"Outer.true -> Inner loop", "Inner loop.Inner.false -> $again"} <= edges(outer.body)
    assert {"Inner.true -> Work", "Work.out -> $again", "Inner.false -> $exit.Inner.false"} <= edges(inner.body)
    assert {expect(scenario).outcome.status for scenario in result.scenarios} <= {"completed", "failed"}


def test_a_cycle_that_only_an_inner_cycle_can_end_ends(tmp_path: Path) -> None:
    nodes = [node("Go", "start"), node("Pause", "wait"), node("Inner", "if"), node("Work")]
    connections = {"Go": to("Pause"), "Pause": to("Inner"), "Inner": to("Work", "Pause"), "Work": to("Inner")}
    result = imported(tmp_path, nodes, connections)
    assert edges(loop_of(first(result).workflow).body) == {
        "start.out -> Pause",
        "Pause.out -> Inner loop",
        "Inner loop.Inner.false -> $again",
    }
    assert {expect(one).outcome.status for one in result.scenarios if not one.id.endswith(".fails")} == {"completed"}


def test_plans_of_deeply_nested_cycles_stay_small(tmp_path: Path) -> None:
    names = [f"n{i}" for i in range(15)]
    connections = {"Go": to("n0"), **{name: to([names[i + 1], name]) for i, name in enumerate(names[:-1])}}
    connections |= {"n14": to(list(names))}
    result = imported(tmp_path, [node("Go", "start"), *map(node, names)], connections)
    assert result.scenarios
    assert all(len(scenario.world) < 3_000 for scenario in result.scenarios)


def test_a_loop_waits_for_what_one_of_its_merges_takes_from_outside(tmp_path: Path) -> None:
    nodes = [node("Go", "start"), node("Items"), node("Rules"), node("Each", "splitInBatches"), node("M", "merge")]
    connections = {
        "Go": to(["Items", "Rules"]),
        "Items": to("Each"),
        "Rules": to("M:1"),
        "Each": to("M"),
        "M": to("Each"),
    }
    result = imported(tmp_path, nodes, connections)
    assert {"Items.out -> Each loop", "Rules.out -> Each loop"} <= edges(first(result).workflow)
    assert any("awaited before the cycle begins" in line for line in result.dropped)


@pytest.mark.parametrize(
    ("nodes", "connections", "why"),
    [
        ([], {}, "no node to start at"),
        ([node("Go", "start")], {"Go": to("Gone")}, "$.connections['Go'].main[0][0].node: dangling edge"),
        ([node("Go", "start")], {"Ghost": to("Go")}, "$.connections['Ghost']: dangling edge"),
        ([node("Go", "start")], {"Ghost": to("Go", kind="ai_tool")}, "dangling edge"),
        ([node("A"), node("A")], {}, "$.nodes[1].name: 'A' names two nodes"),
        ([{"name": "A"}], {}, "$.nodes[0].type: a node has a type"),
        ([node("A")], [], "$.connections: an object"),
        ([node("A")], {"A": {"main": {}}}, "$.connections['A'].main: a list is needed"),
        ([node("A")], {"A": {"main": [[7]]}}, "$.connections['A'].main[0][0]: a connection's end is an object"),
        ([node("A"), node("B")], {"A": to("B"), "B": to("A")}, "no node to start at"),
        (
            [node("Go", "start"), node("A"), node("B")],
            {"Go": to(["A", "B"]), "A": to("B"), "B": to("A")},
            "cycle entered at several nodes ('A', 'B')",
        ),
        (
            [node("Go", "start"), node("A", "wait")],
            {"Go": to("A"), "A": to("A")},
            "cycle in 'A loop': nothing in it can end it",
        ),
    ],
)
def test_a_file_that_breaks_a_rule_is_refused_with_its_name_the_place_and_the_rule(
    tmp_path: Path, nodes: list[dict[str, Any]], connections: Mapping[str, Any], why: str
) -> None:
    result = imported(tmp_path, nodes, connections)
    assert result.refused is not None
    assert result.refused.startswith("some workflow.json: ")
    assert why in result.refused
    assert result.scenarios == ()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"{", "no JSON"),
        (b"\xff\xfe", "no JSON"),
        (b"[" * 200_000, "nests too deep"),
        (b"[]", "$: not an n8n workflow"),
        (b'{"nodes": 7}', "$: not an n8n workflow"),
        (b'{"nodes": [], "connections": {}, "x": NaN}', "NaN is not a JSON number"),
        (b" " * (20 * 1024 * 1024 + 1), "larger than 20,971,520 bytes"),
    ],
)
def test_a_file_that_is_no_workflow_is_refused(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "odd.json"
    path.write_bytes(content)
    result = import_file(path)
    assert result.refused is not None
    assert why in result.refused


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert import_file(tmp_path / "gone.json").refused == "gone.json: cannot be read: No such file or directory"


def test_planned_scenarios_take_every_way_out_and_plan_every_step_they_run(tmp_path: Path) -> None:
    nodes = [node("Go", "start"), node("Switch", "switch"), node("If", "if"), *map(node, "ABCD")]
    connections = {"Go": to("Switch"), "Switch": to("If", "A", "B"), "If": to("C", "D")}
    result = imported(tmp_path, nodes, connections)
    ran: set[str] = set()
    for scenario in result.scenarios:
        steps = expect(scenario).steps
        ran |= {step_id for step_id, step in steps.items() if step.status == "completed"}
    assert {"A", "B", "C", "D"} <= ran
    assert len({scenario.id for scenario in result.scenarios}) == len(result.scenarios) <= 5


def test_planning_is_the_same_each_time(tmp_path: Path) -> None:
    nodes = [node("Go", "start"), node("If", "if"), node("A"), node("B", retryOnFail=True)]
    connections = {"Go": to("If"), "If": to("A", "B")}
    assert imported(tmp_path, nodes, connections) == imported(tmp_path, nodes, connections)


def test_a_node_that_is_tried_again_fails_once_and_then_succeeds(tmp_path: Path) -> None:
    scenario = first(imported(tmp_path, [node("Go", "start"), node("A", retryOnFail=True)], {"Go": to("A")}))
    expected = expect(scenario)
    assert (expected.outcome.status, expected.steps["A"].attempts) == ("completed", 2)


def test_odd_names_become_step_ids_that_stay_apart(tmp_path: Path) -> None:
    nodes = [node("Go", "start"), node("a/b[1]"), node("a_b_1_"), node("$again"), node(" tab\there ")]
    connections = {"Go": to([str(one["name"]) for one in nodes[1:]])}
    workflow = first(imported(tmp_path, nodes, connections)).workflow
    assert [one.id for one in workflow.nodes] == ["Go", "a_b_1_", "a_b_1_~2", "_again", "tab here"]


def test_definition_order_is_the_order_in_which_n8n_runs_nodes(tmp_path: Path) -> None:
    nodes = [node("Go", "start"), node("Low", position=[0, 9]), node("High", position=[0, 1]), node("Next")]
    connections = {"Go": to(["Low", "High"]), "High": to("Next")}
    depth = first(imported(tmp_path, nodes, connections, settings={"executionOrder": "v1"})).workflow
    breadth = first(imported(tmp_path, nodes, connections)).workflow
    assert [one.id for one in depth.nodes] == ["Go", "High", "Next", "Low"]
    assert [one.id for one in breadth.nodes] == ["Go", "Low", "High", "Next"]


def test_definitions_are_the_files_below_a_folder_that_are_no_recordings(tmp_path: Path) -> None:
    (tmp_path / "workflows").mkdir()
    (tmp_path / "executions").mkdir()
    with pytest.raises(ImportRefused, match=r"no \.json file in it or below it"):
        IMPORTER.import_folder(tmp_path)
    with pytest.raises(ImportRefused, match="gone: no such file or folder"):
        IMPORTER.import_folder(tmp_path / "gone")
    for name in ("workflows/2.json", "executions/1.json", "workflows/1.json", "executions.json"):
        (tmp_path / name).write_text("{}", encoding="utf-8")
    found = IMPORTER.import_folder(tmp_path)
    assert [one.file for one in found] == [
        str(tmp_path / name) for name in ("executions.json", "workflows/1.json", "workflows/2.json")
    ]
    (alone,) = IMPORTER.import_folder(tmp_path / "executions" / "1.json")
    assert alone.refused is not None
