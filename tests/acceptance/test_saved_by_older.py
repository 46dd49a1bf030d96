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
from cutover.harness.judge.policy.loading import default_policy, load_policy
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
    assert (document["verdict"], document["differences"]) == (REPORT["verdict"], REPORT["differences"])
    assert (document["trials"], document["drawn"], document["run"]) == (6, 0, REPORT["run"] | {"signer": ""})


def test_what_is_asked_today_and_was_not_then_is_undecided() -> None:
    """All six scenarios were the catalog's, so nothing was drawn that would prove a share."""
    analysis = judge_run(RUN, default_policy(), 0)
    found = {each.criterion.id: (each.verdict.value, each.n) for each in analysis.criteria}
    assert (found["success"], found["e2e"], found["catalog"]) == (
        ("INCONCLUSIVE", 0),
        ("INCONCLUSIVE", 0),
        ("PASS", 6),
    )
    assert {found[name] for name in ("delayed", "stalled", "tail-share")} == {("INCONCLUSIVE", 6)}


def test_it_is_verified_against_a_report_of_today(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = shutil.copytree(RUN, tmp_path / "run")
    again = ["report", str(run), "--format", "json", "--out", str(run / "report.json")]
    assert _outcome(again) == _outcome(["verify", str(run), "--no-engines"]) == 3  # engines have other sources since
    assert capsys.readouterr().out.startswith("verified: INCONCLUSIVE for stage 0 %")


def test_it_is_verified_by_its_verdict_against_its_own_report(capsys: pytest.CaptureFixture[str]) -> None:
    assert _outcome(["verify", str(RUN), "--no-engines"]) == 3
    first, second, third, *rest = capsys.readouterr().out.splitlines()
    assert first.startswith("verified: INCONCLUSIVE for stage 0 %")
    assert second.startswith("rows, policy ")
    assert second.endswith("engines and the verdict of run " + REPORT["run"]["run_id"] + " match")
    assert third.startswith("the report was written by cutover 0.1.0, report schema 1, which judged in another way")
    assert "drawn: null in the report, 0 from the rows" in third
    assert rest == [
        "not signed: whoever can write these files can have made up all of them",
        "not checked: the policy: the version that made the run did not keep its digest beside the rows",
        "not checked: crash cases: the version that made the run did not save how they were planned",
    ]


def test_an_older_verdict_that_would_not_be_given_today_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = shutil.copytree(RUN, tmp_path / "run")
    (run / "report.json").write_text(json.dumps(REPORT | {"verdict": "GO\x1b[2J"}), "utf-8")
    assert _outcome(["verify", str(run), "--no-engines"]) == 2
    told = capsys.readouterr().err
    assert "report schema 1 and says" in told
    assert "the rows come to: INCONCLUSIVE for stage 0 %" in told
    assert "\x1b" not in told


def test_its_files_are_guarded_as_those_of_today(tmp_path: Path) -> None:
    run = shutil.copytree(RUN, tmp_path / "run")
    file = run / "arms.jsonl.gz"
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(RunError, match=r"arms\.jsonl\.gz is cut off or damaged"):
        load_run(run)
