"""The importer on the recorded corpora: nearly all files, no credential, and what n8n recorded comes out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cutover.harness.judge.reference.model import expect
from cutover.scenarios.files import dumps
from cutover.scenarios.importers.imported import Imported
from cutover.scenarios.importers.n8n.importer import IMPORTER, import_file
from cutover.scenarios.importers.n8n.plan import NOT_PLANNED
from cutover.scenarios.importers.n8n.recorded import NOT_RUN
from cutover.scenarios.model import Scenario

pytestmark = pytest.mark.corpora

WORKFLOWS = 118 + 171
EXECUTIONS = 73


@pytest.fixture(scope="module")
def everything(corpora: Path) -> tuple[Imported, ...]:
    folders = (corpora / "n8n-executions", corpora / "n8n-templates")
    return tuple(imported for folder in folders for imported in IMPORTER.import_folder(folder))


def test_at_least_95_percent_import_and_each_refusal_has_its_reason(everything: tuple[Imported, ...]) -> None:
    assert len(everything) == WORKFLOWS
    done = [one for one in everything if one.scenarios]
    assert len(done) >= 0.95 * WORKFLOWS
    assert all(one.refused and Path(one.file).name in one.refused for one in everything if not one.scenarios)
    assert all(one.dropped for one in done), "no file comes over whole: parameters at least are dropped"
    ids = [scenario.id for one in done for scenario in one.scenarios]
    assert len(set(ids)) == len(ids)


def test_no_credential_gets_into_a_scenario(everything: tuple[Imported, ...]) -> None:
    checked = 0
    for one in everything:
        document = json.loads(Path(one.file).read_bytes())
        names = {node["name"] for node in document["nodes"]} | {document.get("name")}
        secrets = {word for word in _credentials(document) if len(word) >= 8 and word not in names}
        kept = "\n".join(map(dumps, one.scenarios))
        found = [word for word in secrets if word in kept and not _is_said_elsewhere(word, one.file, document)]
        assert not found, f"{one.file}: {found}"
        checked += len(secrets)
    assert checked > 100


def _credentials(document: dict[str, Any]) -> Iterator[str]:
    """The ids and names of all credentials."""
    for node in document["nodes"]:
        for credential in (node.get("credentials") or {}).values():
            parts = credential.values() if isinstance(credential, dict) else (credential,)
            yield from (part for part in parts if isinstance(part, str))


def _is_said_elsewhere(word: str, file: str, document: dict[str, Any]) -> bool:
    """Whether a credential's name is only the service's, which the file's name or a node's name says too."""
    return any(
        word.lower() in name.lower() for name in (Path(file).stem, *(node["name"] for node in document["nodes"]))
    )


def test_every_planned_scenario_ends_and_runs_only_what_is_planned(everything: tuple[Imported, ...]) -> None:
    planned = [scenario for one in everything for scenario in one.scenarios if scenario.recorded is None]
    assert len(planned) > 300
    for scenario in planned:
        expected = expect(scenario)
        assert expected.refused is None
        assert expected.outcome.status in {"completed", "failed"}, scenario.id
        errors = {step.error for step in expected.outcome.steps.values()}
        assert NOT_PLANNED not in errors, scenario.id
        assert scenario.id.endswith(".fails") <= (expected.outcome.status == "failed"), scenario.id


def test_the_recorded_executions_agree_or_the_importer_says_why_not(everything: tuple[Imported, ...]) -> None:
    recorded = [(one, scenario) for one in everything for scenario in one.scenarios if scenario.recorded is not None]
    assert len(recorded) == EXECUTIONS
    unexplained = [one.file for one, scenario in recorded if _differs(scenario) and not one.unlike]
    assert unexplained == []
    agreeing = [scenario.id for one, scenario in recorded if not _differs(scenario) and not one.unlike]
    assert len(agreeing) >= 0.95 * EXECUTIONS


def _differs(scenario: Scenario) -> bool:
    """Whether steps, order, status or the end differ from the record; loops and their starts stand for no n8n node."""
    record = scenario.recorded
    assert record is not None
    expected = expect(scenario)
    errors = {step.error for step in expected.outcome.steps.values()}
    took = [
        (step.step_id, step.status)
        for step in expected.steps.values()
        if step.status != "skipped" and step.kind != "loop" and not (step.kind == "start" and "/" in step.step_id)
    ]
    kept = [(step.step_id, step.status) for step in sorted(record.steps, key=lambda step: step.order)]
    return took != kept or expected.outcome.status != record.status or NOT_RUN in errors


def test_every_main_run_that_n8n_recorded_is_a_step(corpora: Path, everything: tuple[Imported, ...]) -> None:
    """Counted from the files themselves: no run of the main flow is lost on the way without a word."""
    by_file = {Path(one.file).stem: one for one in everything if "n8n-executions" in Path(one.file).parts}
    for path in sorted((corpora / "n8n-executions" / "executions").glob("*.json")):
        data = json.loads(path.read_bytes())["data"]["resultData"]["runData"]
        runs = [(run["startTime"], name) for name, each in data.items() for run in each if "main" in run["data"]]
        one = by_file[path.stem]
        steps = [s.step_id for scenario in one.scenarios if scenario.recorded for s in scenario.recorded.steps]
        assert len(steps) == len(runs) or one.unlike, path.name
        names = [" ".join(name.split()) for _, name in sorted(runs, key=lambda run: run[0])]
        assert sorted(step.partition("~")[0] for step in steps) == sorted(names), path.name


def test_a_corpus_file_with_a_dangling_edge_is_refused(corpora: Path, tmp_path: Path) -> None:
    document = json.loads((corpora / "n8n-executions" / "workflows" / "84.json").read_bytes())
    document["nodes"] = [node for node in document["nodes"] if node["name"] != "Merge"]
    (tmp_path / "84.json").write_text(json.dumps(document), encoding="utf-8")
    refused = import_file(tmp_path / "84.json").refused
    assert refused is not None
    assert "84.json: " in refused
    assert "dangling edge, no node is called 'Merge'" in refused
