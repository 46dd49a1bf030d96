"""`verify`, `compare`, `explain`, `policy` and waivers on saved runs, as a user starts them; no database is needed."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import pytest
from rows import CALL, ENGINES, EXECUTION, MANIFEST, SHIP, STEP

from cutover.engines.api import Journal, StepRow
from cutover.engines.registry import describe
from cutover.harness.cli.jobs.manifest import built_in
from cutover.harness.cli.main import _outcome
from cutover.harness.judge.policy.loading import default_policy
from cutover.harness.record.rereads import Reread
from cutover.harness.record.trials import ARMS, Again, ArmName, ArmRecord, EngineInfo, Trial, role
from cutover.harness.run.trials.ids import execution_id
from cutover.harness.store.lines import encode_fields
from cutover.harness.store.tables import POLICY, Table
from cutover.harness.store.writer import RunWriter
from cutover.scenarios.model import Response, Scenario

Cutover: TypeAlias = Callable[..., tuple[int, str, str]]
TOTAL = replace(SHIP, world={"ship": (Response(output={"total": 7}),)})
WAIVERS = """\
schema_version = 1

[[waiver]]
id = "total"
owner = "payments"
reason = "agreed"
expires = 2025-02-01
most_hits = 20
path = "*output.total"
"""


ASKED = "--control v1 --candidate v2 --stage 0 --scenarios mine --seed 1 --skip crashes"


def total(number: int) -> Scenario:
    return replace(TOTAL, id=f"ship-{number}")


def reread(number: int, name: ArmName) -> bytes:
    scenario = total(number)
    own = execution_id(1, scenario, name, number)
    return encode_fields(Reread(trial=number, scenario=scenario.id, arm=name, execution_id=own))


def info(spec: str) -> EngineInfo:
    name, digest = describe(spec)
    return EngineInfo(spec=spec, name=name, digest=digest)


def arm(name: ArmName, number: int, output: str) -> ArmRecord:
    own = execution_id(1, total(number), name, number)
    return ArmRecord(
        arm=name,
        engine=ENGINES[role(name)],
        execution_id=own,
        position=0,
        journal=Journal(
            execution=replace(EXECUTION, id=own, output=output),
            steps=(step("start", "1"), step("ship", output)),
        ),
        ledger=(replace(CALL, output=output, idempotency_key=f"{own}:ship"),),
        again=Again(calls=0, rows_changed=False),
        duration_ms=9.0,
    )


def step(name: str, output: str) -> StepRow:
    return replace(STEP, step_id=name, node_id=name, output=output)


def save(folder: Path, *, run_id: str = "r1", last: int = 7) -> Path:
    """A run of three trials; in the third the candidate's total is that one."""
    manifest = replace(
        MANIFEST,
        run_id=run_id,
        control=info("v1"),
        candidate=info("v2"),
        planned=3,
        arguments=tuple(ASKED.split()),
        built_in=built_in(),
    )
    with RunWriter(folder, manifest) as writer:
        writer.write_text(POLICY, default_policy().text)
        for number in (1, 2, 3):
            totals = {"control": 7, "candidate": last if number == 3 else 7}
            arms = {name: arm(name, number, f'{{"total":{totals[role(name)]}}}') for name in ARMS}
            writer.write(Trial(number=number, scenario=total(number), arms=arms))
        candidates: tuple[ArmName, ...] = ("candidate", "candidate_again")
        rereads = [reread(number, name) for number in (1, 2, 3) for name in candidates]
        writer.write_lines(Table.REREADS, rereads)
        writer.finish(seconds=1.0)
    return folder


@pytest.fixture
def cutover(capsys: pytest.CaptureFixture[str]) -> Cutover:
    def run(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        status = _outcome([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return int(status), out, err

    return run


@pytest.fixture
def folder(tmp_path: Path, cutover: Cutover) -> Path:
    """A saved run with its report."""
    run = save(tmp_path / "run")
    cutover("report", run, "--format", "json", "--out", run / "report.json")
    return run


def test_a_run_that_is_what_it_says_is_verified(folder: Path, cutover: Cutover) -> None:
    status, out, _ = cutover("verify", folder)
    assert out.startswith("verified: INCONCLUSIVE for stage 0 %")
    assert "rows, policy" in out
    assert status == 3  # the verdict's own: three trials prove nothing


def edited(file: Path, old: str, new: str) -> None:
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new), "utf-8")


def spoil_report(run: Path) -> None:
    edited(run / "report.json", '"verdict": "INCONCLUSIVE"', '"verdict": "GO"')


def spoil_rows(run: Path) -> None:
    lines = gzip.decompress((run / "arms-0001.jsonl.gz").read_bytes())
    (run / "arms-0001.jsonl.gz").write_bytes(gzip.compress(lines.replace(b"completed", b"cancelled")))


def spoil_policy(run: Path) -> None:
    edited(run / "policy.toml", "limit = 0.995", "limit = 0.5")


def spoil_engine(run: Path) -> None:
    edited(run / "manifest.json", info("v2").digest, "0" * 64)
    edited(run / "report.json", info("v2").digest, "0" * 64)


def spoil_engine_in_report(run: Path) -> None:
    edited(run / "report.json", info("v2").digest, "0" * 64)


def mix(run: Path) -> None:
    other = save(run.parent / "other", run_id="r2", last=8)
    shutil.copy(other / "arms-0001.jsonl.gz", run / "arms-0001.jsonl.gz")


def mix_reports(run: Path) -> None:
    edited(run / "report.json", '"run_id": "r1"', '"run_id": "r2"')


def truncate(run: Path) -> None:
    file = run / "arms-0001.jsonl.gz"
    file.write_bytes(file.read_bytes()[:-30])


def newer_rows(run: Path) -> None:
    edited(run / "manifest.json", '"schema_version": 3', '"schema_version": 99')


def newer_report(run: Path) -> None:
    edited(run / "report.json", '"schema_version": 3', '"schema_version": 99')


def empty(run: Path) -> None:
    shutil.rmtree(run)
    run.mkdir()


def no_report(run: Path) -> None:
    (run / "report.json").unlink()


def garbled_report(run: Path) -> None:
    (run / "report.json").write_text("{", "utf-8")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (
            spoil_report,
            'report.json is not what the rows come to (written by cutover 0.1.0, report schema 3): verdict: "GO" in',
        ),
        (spoil_rows, "arms-0001.jsonl.gz is not the file that its manifest names"),
        (spoil_policy, "policy.toml is not the file that its manifest names"),
        (spoil_engine, "judged engine v2 with digest 000000000000; the one installed here has"),
        (spoil_engine_in_report, "the candidate was v2 with digest"),
        (mix, "arms-0001.jsonl.gz is not the file that its manifest names: it was edited or is of another run"),
        (mix_reports, "report.json is the report of run r2, the rows are of run r1"),
        (truncate, "arms-0001.jsonl.gz is cut off or damaged"),
        (newer_rows, "manifest.json has schema version 99"),
        (newer_report, "report.json has schema version 99"),
        (empty, "holds no run"),
        (no_report, "holds no report.json"),
        (garbled_report, "report.json cannot be read"),
    ],
)
def test_a_run_that_is_not_what_it_says_is_refused_and_left_alone(
    folder: Path,
    spoil: Callable[[Path], None],
    words: str,
    cutover: Cutover,
) -> None:
    spoil(folder)
    before = {file: file.read_bytes() for file in folder.iterdir()}
    status, out, err = cutover("verify", folder)
    assert (status, out) == (2, "")
    assert words in err
    assert err.count("\n") == 1
    assert {file: file.read_bytes() for file in folder.iterdir()} == before


def test_the_record_alone_can_be_verified_where_the_engine_has_moved_on(folder: Path, cutover: Cutover) -> None:
    spoil_engine(folder)
    assert cutover("verify", folder, "--no-engines")[0] == 3


def test_two_runs_are_compared(tmp_path: Path, folder: Path, cutover: Cutover) -> None:
    other = save(tmp_path / "other", run_id="r2", last=8)
    status, out, _ = cutover("compare", folder, other, "--json")
    rows = {row["what"]: (row["first"], row["second"]) for row in json.loads(out)}
    assert status == 1
    assert rows["verdict"] == ("INCONCLUSIVE", "NO-GO")
    assert rows["trials"] == ("3, 0 failed", "3, 1 failed")
    assert rows["check OUT"] == ("PASS, 0 findings", "FAIL, 4 findings")
    assert rows["difference REGRESSION value output.total"] == ("-", "1 in 1 trials")
    assert "control" not in rows
    status, out, _ = cutover("compare", folder, other)
    assert out.startswith("first  r1: INCONCLUSIVE")
    assert "check OUT" in out


def test_a_run_compared_with_itself_differs_in_nothing(folder: Path, cutover: Cutover) -> None:
    assert cutover("compare", folder, folder)[1].endswith("nothing differs\n")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("success", 'The plan says, in "Critérios de Sucesso Final": 99.5% de taxa de sucesso nas execuções'),
        ("OUT", "--only ship-3"),
        ("REGRESSION", "trial 3, ship-3, output.total: 7 -> 8"),
        ("value output.total", "difference REGRESSION value output.total: 1 in 1 trials"),
        ("META killed", "no engine was killed"),
    ],
)
def test_what_is_behind_a_part_of_the_report(tmp_path: Path, name: str, words: str, cutover: Cutover) -> None:
    run = save(tmp_path / "run", last=8)
    status, out, _ = cutover("explain", name, "--run", run)
    assert status == 0
    assert words in out


def test_an_unknown_part_is_named_with_those_there_are(folder: Path, cutover: Cutover) -> None:
    status, _, err = cutover("explain", "sucess", "--run", folder)
    assert status == 2
    assert "criteria: e2e, critical-bugs, compare-latency, catalog, compare-tail, delayed, stalled" in err


def test_a_waiver_takes_a_difference_out_of_the_verdict_and_shows_it(tmp_path: Path, cutover: Cutover) -> None:
    run = save(tmp_path / "run", last=8)
    file = tmp_path / "waivers.toml"
    file.write_text(WAIVERS, "utf-8")
    assert cutover("report", run)[0] == 1
    status, out, _ = cutover("report", run, "--waivers", file, "--format", "json")
    document = json.loads(out)
    assert (status, document["trials_failed"]) == (3, 0)
    assert {part["class"] for part in document["differences"]} == {"WAIVED"}
    (reason,) = (part for part in document["reasons"] if part["id"] == "waiver total")
    assert reason["verdict"] == "PASS"
    assert reason["text"] == "2 paths of at most 20, until 2025-02-01: agreed"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"*output.total"', '"*output.other"', "it covers nothing any more"),
        ("2025-02-01", "2025-01-07", "it ended on 2025-01-07"),
        ("most_hits = 20", "most_hits = 1", "it covers 2 paths, and at most 1 were answered for"),
    ],
)
def test_a_waiver_that_does_not_fit_stops_the_stage(
    tmp_path: Path, old: str, new: str, words: str, cutover: Cutover
) -> None:
    run = save(tmp_path / "run", last=8)
    file = tmp_path / "waivers.toml"
    file.write_text(WAIVERS.replace(old, new), "utf-8")
    status, out, _ = cutover("report", run, "--waivers", file, "--format", "json")
    assert status == 1
    (reason,) = (part for part in json.loads(out)["blocking"] if part["id"] == "waiver total")
    assert (reason["verdict"], words in reason["text"]) == ("FAIL", True)


def test_a_waiver_without_expiry_is_refused_with_file_and_line(folder: Path, tmp_path: Path, cutover: Cutover) -> None:
    file = tmp_path / "waivers.toml"
    file.write_text(WAIVERS.replace("expires = 2025-02-01\n", ""), "utf-8")
    before = {each: each.read_bytes() for each in folder.iterdir()}
    status, out, err = cutover("report", folder, "--waivers", file, "--out", folder / "report.json")
    assert (status, out) == (2, "")
    assert f"{file}, line 3: waiver 1: it has no expires; every waiver ends one day" in err
    assert {each: each.read_bytes() for each in folder.iterdir()} == before


def test_a_policy_that_contradicts_itself_is_refused_with_file_and_line(tmp_path: Path, cutover: Cutover) -> None:
    file = tmp_path / "odd.toml"
    text = (Path(__file__).parents[2] / "harness/judge/policy/policy.toml").read_text("utf-8")
    file.write_text(
        text
        + text[text.index("[[criterion]]") :]
        .split("\n\n")[0]
        .replace('id = "e2e"', 'id = "odd"')
        .replace("at_least", "below"),
        "utf-8",
    )
    status, out, err = cutover("policy", "check", file)
    assert (status, out) == (2, "")
    assert f"{file}, line " in err
    assert "criterion odd: contradicts criterion e2e" in err


def test_a_good_policy_is_told_in_a_line(cutover: Cutover) -> None:
    status, out, _ = cutover("policy", "check", Path(__file__).parents[2] / "harness/judge/policy/policy.toml")
    assert status == 0
    assert "stages 0 %, 10 %, 50 %, 100 %" in out
    assert "only production can tell: stable-3-days, no-incident-7-days, memory" in out


def test_simulated_traffic_fires_nothing_falsely_and_sees_each_fault(
    cutover: Cutover,
) -> None:
    status, out, _ = cutover("policy", "simulate", "--stage", 50, "--runs", 5, "--looks", 2, "--pairs", 600, "--json")
    fired = {(row["fault"]["name"], row["criterion"]): row["fired"] for row in json.loads(out)}
    assert status == 0
    assert {share for (fault, _), share in fired.items() if fault == "none"} == {0.0}
    assert fired["30 % slower", "degraded-latency"] == 1.0
    assert fired["4 % ten times slower", "latency-tail"] == 1.0
    assert fired["checkpoints 50 times slower", "checkpoint-p95"] == 1.0
    assert fired["1 % more failures", "v2-not-worse"] > 0


def test_an_unknown_stage_is_refused(cutover: Cutover) -> None:
    assert cutover("policy", "simulate", "--stage", 42)[0] == 2


def test_the_command_itself_verifies(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cutover.harness.cli", "verify", str(folder)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "NO_COLOR": "1"},
    )
    assert done.returncode == 3, done.stderr
    assert done.stdout.startswith("verified: ")
