"""Laws of the n8n importer on any graph: it refuses with a reason, or its plan covers exactly what runs."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st

from cutover.harness.judge.outcomes.outcome import ENGINES_WORDS
from cutover.harness.judge.reference.model import expect
from cutover.scenarios.importers.n8n.importer import import_file

KINDS = ("httpRequest", "set", "if", "switch", "merge", "wait", "splitInBatches", "stopAndError")


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """A workflow of a trigger and up to eight nodes with any connections between them, cycles included."""
    count = draw(st.integers(1, 8))
    nodes: list[dict[str, Any]] = [{"name": "Go", "type": "n8n-nodes-base.start"}]
    for i in range(count):
        node: dict[str, Any] = {"name": f"n{i}", "type": f"n8n-nodes-base.{draw(st.sampled_from(KINDS))}"}
        node["disabled"] = draw(st.integers(0, 5)) == 5
        node["onError"] = draw(st.sampled_from(("stopWorkflow", "continueRegularOutput", "continueErrorOutput")))
        node["retryOnFail"] = draw(st.booleans())
        if node["type"].endswith("wait"):
            node["parameters"] = {"resume": draw(st.sampled_from(("webhook", "timeInterval")))}
        nodes.append(node)
    connections: dict[str, Any] = {"Go": {"main": [[{"node": "n0", "index": 0}]]}}
    for i in range(count):
        end = st.builds(
            lambda n, index: {"node": f"n{n}", "index": index}, st.integers(0, count - 1), st.integers(0, 1)
        )
        connections[f"n{i}"] = {"main": draw(st.lists(st.lists(end, max_size=2), max_size=2))}
    return {
        "nodes": nodes,
        "connections": connections,
        "settings": {"executionOrder": draw(st.sampled_from(("v0", "v1")))},
    }


@settings(deadline=None)  # each example writes and reads a file
@given(documents())
def test_a_graph_is_refused_with_a_reason_or_runs_as_planned(document: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "graph.json"
        path.write_text(json.dumps(document), encoding="utf-8")
        result = import_file(path)
    event("refused" if result.refused else "imported")
    if result.refused is not None:
        assert any(
            rule in result.refused for rule in ("one entry", "copies", "nest deeper", "can end it", "cannot end")
        )
        assert result.scenarios == ()
    for scenario in result.scenarios:
        expected = expect(scenario)
        assert expected.outcome.status in {"completed", "failed"}
        told = {step.error for step in expected.outcome.steps.values() if step.error is not None}
        assert told <= {"planned to fail", "the workflow stops with an error", ENGINES_WORDS}
