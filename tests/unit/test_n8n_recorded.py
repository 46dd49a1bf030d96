"""What a recorded n8n execution becomes: the steps n8n took, in its order, with its outcome, or the reason why not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from cutover.engines.api import LoopNode
from cutover.harness.judge.reference.model import expect
from cutover.scenarios.importers.imported import Imported
from cutover.scenarios.importers.n8n.importer import IMPORTER, import_file
from cutover.scenarios.model import Recorded, Scenario


def node(name: str, kind: str = "httpRequest", **more: Any) -> dict[str, Any]:
    return {"name": name, "type": f"n8n-nodes-base.{kind}", "typeVersion": 3, "position": [0, 0], **more}


def to(*outputs: list[str]) -> dict[str, Any]:
    ends = [[(*name.split(":"), "0")[:2] for name in output] for output in outputs]
    return {"main": [[{"node": name, "type": "main", "index": int(index)} for name, index in out] for out in ends]}


def ran(*came: tuple[str, int, int], items: int = 1, output: int = 0, **more: Any) -> dict[str, Any]:
    """A run whose data came from (node, output, run), with so many items on one output."""
    return {
        "source": [{"previousNode": a, "previousNodeOutput": b, "previousNodeRun": c} for a, b, c in came],
        "executionStatus": "success",
        "data": {"main": [*([[]] * output), [{"json": {"item": i}} for i in range(items)]]},
        **more,
    }


def recorded(
    folder: Path,
    nodes: list[dict[str, Any]],
    connections: Mapping[str, Any],
    runs: list[tuple[str, dict[str, Any]]],
    **execution: Any,
) -> Imported:
    """Imports a workflow with the runs of one execution, given in the order in which they started."""
    data: dict[str, list[dict[str, Any]]] = {}
    for start, (name, run) in enumerate(runs):
        data.setdefault(name, []).append({"startTime": start, **run})
    (folder / "flow.json").write_text(json.dumps({"nodes": nodes, "connections": connections}), encoding="utf-8")
    document = {"finished": True, **execution, "data": {"resultData": {"runData": data}}}
    (folder / "run.json").write_text(json.dumps(document), encoding="utf-8")
    return import_file(folder / "flow.json", folder / "run.json")


def only(result: Imported) -> Scenario:
    assert result.refused is None, result.refused
    (scenario,) = result.scenarios
    return scenario


def agreed(scenario: Scenario) -> Recorded:
    """The record of a scenario, once the reference model has been seen to agree with it."""
    assert scenario.recorded is not None
    expected = expect(scenario)
    kinds = {"loop"}
    got = [
        (step_id, step.status)
        for step_id, step in expected.steps.items()
        if step.status not in {"skipped", "cancelled"} and step.kind not in kinds
        if not step_id.endswith("/start")
    ]
    assert got == [(step.step_id, step.status) for step in scenario.recorded.steps]
    assert expected.outcome.status == scenario.recorded.status
    return scenario.recorded


BRANCHES = (
    [node("Go", "start"), node("If", "if"), node("Yes"), node("No")],
    {"Go": to(["If"]), "If": to(["Yes"], ["No"])},
)


def test_the_world_answers_as_recorded(tmp_path: Path) -> None:
    runs = [("Go", ran()), ("If", ran(("Go", 0, 0), output=1, items=2)), ("No", ran(("If", 1, 0)))]
    scenario = only(recorded(tmp_path, *BRANCHES, runs))
    record = agreed(scenario)
    assert [(step.step_id, step.ports) for step in record.steps] == [
        ("Go", ("out",)),
        ("If", ("false",)),
        ("No", ("out",)),
    ]
    assert record.source == "n8n execution run.json"
    assert scenario.input == [{"item": 0}]
    assert scenario.world["If"][0].output == [{"item": 0}, {"item": 1}]
    assert scenario.world["If"][0].effect is False
    assert scenario.world["No"][0].effect is None
    assert scenario.world["Yes"][0].error == "n8n did not run this node"


def test_a_node_that_gave_nothing_ends_its_branch(tmp_path: Path) -> None:
    scenario = only(recorded(tmp_path, *BRANCHES, [("Go", ran()), ("If", ran(("Go", 0, 0), items=0))]))
    agreed(scenario)
    assert scenario.world["If"][0].ports == ()


def test_a_merge_that_gave_nothing_ends_its_branch_too(tmp_path: Path) -> None:
    nodes = [node("Go", "start"), node("M", "merge"), node("After")]
    runs = [("Go", ran()), ("M", ran(("Go", 0, 0), items=0))]
    scenario = only(recorded(tmp_path, nodes, {"Go": to(["M"]), "M": to(["After"])}, runs))
    agreed(scenario)


def test_the_recorded_order_is_kept(tmp_path: Path) -> None:
    nodes = [node("Go", "start"), *map(node, ("A", "B", "AA", "BB"))]
    connections = {"Go": to(["A", "B"]), "A": to(["AA"]), "B": to(["BB"])}
    for order in (["B", "BB", "A", "AA"], ["A", "B", "BB", "AA"], ["B", "A", "AA", "BB"]):
        came = {"A": "Go", "B": "Go", "AA": "A", "BB": "B"}
        runs = [("Go", ran()), *((name, ran((came[name], 0, 0))) for name in order)]
        record = agreed(only(recorded(tmp_path, nodes, connections, runs)))
        assert [step.step_id for step in record.steps] == ["Go", *order]


def test_runs_of_a_node_with_several_inputs_are_its_copies(tmp_path: Path) -> None:
    nodes = [node("Go", "start"), *map(node, ("A", "B", "Both", "After"))]
    connections = {"Go": to(["A", "B"]), "A": to(["Both"]), "B": to(["Both"]), "Both": to(["After"])}
    runs = [
        ("Go", ran()),
        ("B", ran(("Go", 0, 0))),
        ("Both", ran(("B", 0, 0), items=3)),
        ("After", ran(("Both", 0, 0))),
        ("A", ran(("Go", 0, 0))),
        ("Both", ran(("A", 0, 0), items=1)),
        ("After", ran(("Both", 0, 1))),
    ]
    scenario = only(recorded(tmp_path, nodes, connections, runs))
    steps = [step.step_id for step in agreed(scenario).steps]
    assert steps == ["Go", "B", "Both~2", "After~2", "A", "Both", "After"]
    assert scenario.world["Both~2"][0].output == [{"item": 0}, {"item": 1}, {"item": 2}]


def test_runs_in_a_cycle_are_its_rounds(tmp_path: Path) -> None:
    nodes = [node("Go", "start"), node("Each", "splitInBatches"), node("Work"), node("End")]
    connections = {"Go": to(["Each"]), "Each": to(["End"], ["Work"]), "Work": to(["Each"])}
    runs = [("Go", ran()), ("Each", ran(("Go", 0, 0), output=1))]
    for i in range(2):
        runs += [("Work", ran(("Each", 1, i))), ("Each", ran(("Work", 0, i), output=1 - i))]
    runs.append(("End", ran(("Each", 0, 2))))
    scenario = only(recorded(tmp_path, nodes, connections, runs))
    (loop,) = (one for one in scenario.workflow.nodes if isinstance(one, LoopNode))
    assert loop.max_iterations == 3
    assert [step.step_id for step in agreed(scenario).steps] == [
        "Go",
        "Each loop[0]/Each",
        "Each loop[0]/Work",
        "Each loop[1]/Each",
        "Each loop[1]/Work",
        "Each loop[2]/Each",
        "End",
    ]


def test_a_failed_run_fails_the_execution(tmp_path: Path) -> None:
    failed = {"executionStatus": "error", "error": {"message": "Bearer abcdefghijklmnop was refused"}, "data": None}
    runs = [("Go", ran()), ("If", ran(("Go", 0, 0))), ("Yes", ran(("If", 0, 0)) | failed)]
    scenario = only(recorded(tmp_path, *BRANCHES, runs, finished=False, status="error"))
    record = agreed(scenario)
    assert (record.status, record.steps[-1].status) == ("failed", "failed")
    assert scenario.world["Yes"][0].error == "[redacted] was refused"


@pytest.mark.parametrize("settings", [{"continueOnFail": True}, {"onError": "continueErrorOutput"}])
def test_a_handled_error_is_a_failed_step_and_the_difference_is_listed(
    tmp_path: Path, settings: dict[str, Any]
) -> None:
    nodes = [node("Go", "start"), node("A", **settings), node("Next")]
    output = 1 if "onError" in settings else 0
    item = {"data": {"main": [*([[]] * output), [{"json": {"error": "no such user"}}]]}}
    runs = [("Go", ran()), ("A", ran(("Go", 0, 0)) | item), ("Next", ran(("A", output, 0)))]
    outputs = to([], ["Next"]) if output else to(["Next"])
    result = recorded(tmp_path, nodes, {"Go": to(["A"]), "A": outputs}, runs)
    expected = expect(only(result))
    assert [step.status for step in expected.steps.values()] == ["completed", "failed", "completed"]
    assert result.unlike == ("'A' handles its error: n8n recorded a success, here the step is failed",)


def test_a_wait_for_a_call_gets_its_signal_and_one_that_still_waits_does_not(tmp_path: Path) -> None:
    nodes = [node("Go", "start"), node("Hold", "wait", parameters={"resume": "webhook"}), node("Next")]
    connections = {"Go": to(["Hold"]), "Hold": to(["Next"])}
    runs = [("Go", ran()), ("Hold", ran(("Go", 0, 0), items=2)), ("Next", ran(("Hold", 0, 0)))]
    resumed = only(recorded(tmp_path, nodes, connections, runs))
    assert agreed(resumed).status == "completed"
    assert [signal.payload for signal in resumed.signals] == [[{"item": 0}, {"item": 1}]]
    waiting = [*runs[:1], ("Hold", ran(("Go", 0, 0)) | {"executionStatus": "waiting", "data": None})]
    held = only(recorded(tmp_path, nodes, connections, waiting, finished=False, status="waiting"))
    record = agreed(held)
    assert (record.status, record.steps[-1].status) == ("running", "paused")


def test_what_attached_nodes_did_is_no_step(tmp_path: Path) -> None:
    nodes = [node("Go", "start"), node("Agent", "agent"), node("Model", "lmChat")]
    model = {"ai_languageModel": [[{"node": "Agent", "type": "ai_languageModel", "index": 0}]]}
    reply = {"startTime": 1, "source": [None], "data": {"ai_languageModel": [[{"json": {}}]]}}
    runs = [("Go", ran()), ("Model", reply), ("Agent", ran(("Go", 0, 0)))]
    record = agreed(only(recorded(tmp_path, nodes, {"Go": to(["Agent"]), "Model": model}, runs)))
    assert [step.step_id for step in record.steps] == ["Go", "Agent"]


def test_files_and_secrets_in_recorded_data_are_replaced_and_counted(tmp_path: Path) -> None:
    item = {"json": {"password": "hunter2", "ok": 1}, "binary": {"data": {"data": "AAAA", "mimeType": "a/b"}}}
    runs = [("Go", ran() | {"data": {"main": [[item]]}})]
    result = recorded(tmp_path, [node("Go", "start")], {}, runs)
    content = "63c1dd951ffedf6f7fd968ad4efa39b8ed584f162f46e715114ee184f8de9201"  # sha256 of AAAA
    assert only(result).input == [
        {
            "json": {"password": "[redacted]", "ok": 1},
            "binary": {"data": {"sha256": content, "characters": 4, "type": "a/b"}},
        }
    ]
    assert "1 files, replaced by their digest" in result.dropped
    assert "1 texts that look like secrets, blacked out" in result.dropped


def test_a_run_that_no_step_can_stand_for_is_listed(tmp_path: Path) -> None:
    nodes = [node("Go", "start"), node("M", "merge"), node("A")]
    connections = {"Go": to(["A", "M"]), "A": to(["M"])}
    runs = [("Go", ran()), ("A", ran(("Go", 0, 0))), ("M", ran(("Go", 0, 0))), ("M", ran(("A", 0, 0)))]
    result = recorded(tmp_path, nodes, connections, runs)
    assert result.unlike == ("run 2 of 'M': no step stands for it",)
    assert any(line.startswith("'M' input 0: 2 connections") for line in result.dropped)


def test_a_node_that_n8n_never_ran_though_it_had_data_is_listed(tmp_path: Path) -> None:
    nodes = [node("Go", "start"), node("A"), node("B")]
    runs = [("Go", ran()), ("A", ran(("Go", 0, 0)))]
    result = recorded(tmp_path, nodes, {"Go": to(["A", "B"])}, runs)
    assert result.unlike == ("'Go' gave items for 'B', which n8n did not run",)


def test_an_order_that_no_engine_takes_is_listed(tmp_path: Path) -> None:
    nodes = [node("Go", "start"), node("Hold", "wait"), node("Next"), node("Other")]
    connections = {"Go": to(["Hold", "Other"]), "Hold": to(["Next"])}
    runs = [("Go", ran()), ("Hold", ran(("Go", 0, 0))), ("Next", ran(("Hold", 0, 0))), ("Other", ran(("Go", 0, 0)))]
    result = recorded(tmp_path, nodes, connections, runs)
    assert result.unlike == ("'Other' runs while 'Hold' waits; n8n ran it later",)


def test_a_cycle_that_n8n_interleaved_is_listed(tmp_path: Path) -> None:
    nodes = [node("Go", "start"), node("Each", "splitInBatches"), node("Work"), node("Other")]
    connections = {"Go": to(["Each", "Other"]), "Each": to([], ["Work"]), "Work": to(["Each"])}
    runs = [
        ("Go", ran()),
        ("Each", ran(("Go", 0, 0), output=1)),
        ("Other", ran(("Go", 0, 0))),
        ("Work", ran(("Each", 1, 0))),
        ("Each", ran(("Work", 0, 0), items=0)),
    ]
    result = recorded(tmp_path, nodes, connections, runs)
    assert result.unlike == ("'Each loop' runs without a break; n8n ran other nodes between its rounds",)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("{", "no JSON"),
        ('{"data": {}}', "$.data.resultData.runData: an object"),
        ('{"data": {"resultData": {"runData": {}}}}', "no node ran"),
        ('{"data": {"resultData": {"runData": {"Gone": []}}}}', "the workflow has no node 'Gone'"),
    ],
)
def test_an_execution_that_cannot_be_used_is_told_and_the_workflow_imported(
    tmp_path: Path, content: str, why: str
) -> None:
    flow = {"nodes": [node("Go", "start")], "connections": {}}
    (tmp_path / "flow.json").write_text(json.dumps(flow), encoding="utf-8")
    (tmp_path / "run.json").write_text(content, encoding="utf-8")
    result = import_file(tmp_path / "flow.json", tmp_path / "run.json")
    assert only(result).recorded is None
    assert [line for line in result.dropped if line.startswith("the recorded execution run.json: ") and why in line]


@pytest.mark.parametrize(
    ("definition", "recording", "pairs"),
    [
        ("workflows/1.json", "executions/1.json", 1),
        ("1.json", "executions/1.json", 1),
        ("workflows/1.json", "workflows/executions/1.json", 1),
        ("workflows/1.json", "executions/2.json", 0),
        ("flows/1.json", "executions/1.json", 0),
    ],
)
def test_a_folder_pairs_workflows_with_executions_of_the_same_name(
    tmp_path: Path, definition: str, recording: str, pairs: int
) -> None:
    for name in (definition, recording):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    recorded(tmp_path, *BRANCHES, [("Go", ran()), ("If", ran(("Go", 0, 0), items=0))])
    (tmp_path / "flow.json").rename(tmp_path / definition)
    (tmp_path / "run.json").rename(tmp_path / recording)
    (one,) = IMPORTER.import_folder(tmp_path)
    assert [scenario.tags for scenario in one.scenarios if scenario.recorded] == [("n8n", "recorded")] * pairs
