"""A run that an older version saved (schema version 1: one file a table) is read, judged, reported and verified.

`tests/data/run-schema-1` was written by version 0.1.0: `cutover run --trials 6 --seed 3 --crash-budget 3`.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from cutover.harness.cli.main import _outcome
from cutover.harness.errors import RunError
from cutover.harness.judge.policy.loading import load_policy
from cutover.harness.judging import judge_run
from cutover.harness.store.reader import crash_scenarios, iter_cases, load_manifest, load_memory, load_routing, load_run

RUN = Path(__file__).parents[1] / "data" / "run-schema-1"
REPORT: dict[str, Any] = json.loads((RUN / "report.json").read_text("utf-8"))


def test_it_is_read_whole() -> None:
    run = load_run(RUN)
    assert run.manifest.schema_version == 1
    assert set(run.manifest.files) == {path.name for path in RUN.glob("*.jsonl.gz")}
    assert [trial.number for trial in run.trials] == [1, 2, 3, 4, 5, 6]
    assert {len(trial.arms) for trial in run.trials} == {4}
    cases = list(iter_cases(RUN))
    assert len(cases) == run.manifest.cases == REPORT["crash"]["cases"] == 23
    assert {record.case.scenario for record in cases} <= set(crash_scenarios(RUN))
    assert len(load_routing(RUN)) == 24
    assert {row.role for row in load_memory(RUN)} == {"control", "candidate"}


@pytest.mark.parametrize("workers", [1, 2])
def test_it_is_judged_as_then(workers: int) -> None:
    policy = load_policy((RUN / "policy.toml").read_text("utf-8"), "policy.toml")
    analysis = judge_run(RUN, policy, load_manifest(RUN).stage, workers=workers)
    assert analysis.verdict == REPORT["verdict"] == "INCONCLUSIVE"
    assert analysis.trials == REPORT["trials"] == 6
    then = {check["check"]: (check["verdict"], check["findings_candidate"]) for check in REPORT["checks"]}
    now = {check.check: (check.verdict.value, check.findings_candidate) for check in analysis.checks}
    assert now == then
    assert [(each.klass, each.fingerprint, each.count) for each in analysis.differences] == [
        (each["class"], each["fingerprint"], each["count"]) for each in REPORT["differences"]
    ]


def test_it_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    assert _outcome(["report", str(RUN), "--format", "json"]) == REPORT["exit_status"] == 3
    document = json.loads(capsys.readouterr().out)
    assert (document["headline"], document["checks"]) == (REPORT["headline"], REPORT["checks"])
    assert (document["criteria"], document["differences"]) == (REPORT["criteria"], REPORT["differences"])


def test_it_is_verified(capsys: pytest.CaptureFixture[str]) -> None:
    assert _outcome(["verify", str(RUN), "--no-engines"]) == 3  # engines have other sources since
    assert capsys.readouterr().out.startswith(f"verified: {REPORT['headline']}")


def test_its_files_are_guarded_as_those_of_today(tmp_path: Path) -> None:
    run = shutil.copytree(RUN, tmp_path / "run")
    file = run / "arms.jsonl.gz"
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(RunError, match=r"arms\.jsonl\.gz is cut off or damaged"):
        load_run(run)
