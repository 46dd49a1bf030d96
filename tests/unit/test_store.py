"""Saving and loading a run: nothing is lost, and what is wrong with a folder is said."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import resource
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import cast
from uuid import UUID

import pandas as pd
import pytest
from rows import CALL, CHECKPOINT, EXECUTION, MANIFEST, METRIC, STEP, event

from cutover.engines.api import (
    ActivityNode,
    Case,
    ConditionNode,
    Edge,
    Journal,
    JsonValue,
    LoopNode,
    StartNode,
    TimerRow,
    WaitNode,
    Workflow,
)
from cutover.harness.errors import EnvironmentProblem, RunError, UsageProblem
from cutover.harness.record.cases import CaseRecord, CrashCase, KillPoint, Way
from cutover.harness.record.memory import Weighed
from cutover.harness.record.routing import Routed
from cutover.harness.record.trials import (
    ARMS,
    Again,
    ArmRecord,
    EngineInfo,
    Failure,
    Manifest,
    Trial,
)
from cutover.harness.store.lines import record_trial
from cutover.harness.store.reader import (
    iter_cases,
    iter_trials,
    load_manifest,
    load_memory,
    load_routing,
    load_run,
    parts_of,
    read_part,
)
from cutover.harness.store.tables import Table, file_name, files_of
from cutover.harness.store.writer import RunWriter
from cutover.scenarios.model import PlannedSignal, Recorded, RecordedStep, Response, Scenario

AT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
ODD = '\ud800 \x00 é 🚀 "quoted" \n'


SPELT = ODD.replace("\ud800", "\\ud800")


def manifest() -> Manifest:
    info = EngineInfo(spec="v1", name="v1", digest="00")
    return replace(
        MANIFEST,
        created_at=AT,
        seed=7,
        control=info,
        candidate=info,
        server="embedded",
        planned=2,
        workers=2,
        environment={"python": "3.11"},
    )


def scenario(number: int) -> Scenario:
    deep: JsonValue = []
    for _ in range(380):
        deep = [deep]
    body = Workflow(
        id="b", nodes=(StartNode(id="s"), WaitNode(id="w", timeout_ms=5)), edges=(Edge(source="s", target="w"),)
    )
    nodes = (
        StartNode(id="s"),
        ActivityNode(id="a", activity="post", on_error="route"),
        ConditionNode(id="c", expression="x", cases=(Case(port="p", value=True), Case(port="q", value=1))),
        LoopNode(id="l", body=body, items="@"),
    )
    return Scenario(
        id=f"s{number}",
        workflow=Workflow(id="w", nodes=nodes, edges=(Edge(source="s", target="a"),)),
        tags=("one", "two"),
        input={"big": 2**70, "zero": -0.0, "text": ODD, "deep": deep, "true": True, "one": 1, "float": 1.0},
        world={"a": (Response(error=ODD), Response(output=[None, 1e300]))},
        signals=(PlannedSignal(id="g", name="go", payload={}),),
        cancel_at_pause=2,
        recorded=Recorded(source="n8n", status="failed", steps=(RecordedStep(step_id="a", order=0, status="failed"),)),
    )


def journal() -> Journal:
    execution = replace(
        EXECUTION,
        id=UUID(int=5),
        current_node_id="a",
        input='{"big":1180591620717411303424}',
        output=None,
        error="boom",
        metadata={"orchestrator_version": "v2"},
        version=2,
        created_at=AT,
        started_at=AT,
        finished_at=None,
    )
    step = replace(
        STEP,
        step_id="a",
        node_id="a",
        output='"\\ud800"',
        started_at=AT,
        finished_at=AT + timedelta(microseconds=1),
    )
    return Journal(
        execution=execution,
        steps=(step,),
        events=(replace(event(1, ("a", "pending", "START", "running", 1)), at=AT),),
        checkpoints=(replace(CHECKPOINT, node_id=None, checksum="ab", created_at=AT),),
        metrics=(replace(METRIC, step_id="a", node_id="a", retry_count=0, duration_ms=0.1, recorded_at=AT),),
        timers=(TimerRow(step_id="a", kind="retry", attempt=2, due_at=AT, fired_at=None),),
    )


def trial(number: int, odd: str = ODD) -> Trial:
    entry = replace(CALL, step_id="a", status="error", output=None, ports=(), error=odd, at=AT)
    arms = {
        name: ArmRecord(
            arm=name,
            engine="v1",
            execution_id=UUID(int=position),
            position=position,
            journal=journal(),
            ledger=(entry,),
            logs=(odd, "second"),
            signals=("g",),
            pauses=1,
            failure=Failure(kind="exception", type="ValueError", message=odd),
            again=Again(calls=1, rows_changed=True, journal=journal()),
            duration_ms=1.25,
        )
        for position, name in enumerate(ARMS)
    }
    return Trial(number=number, scenario=scenario(number), arms=arms)


def case(point: int) -> CaseRecord:
    arm = trial(1).arms["candidate"]
    return CaseRecord(case=CrashCase("s1", KillPoint("call", point), Way.ONCE), planned=1, fired=1, arm=arm)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A saved run of two trials."""
    with RunWriter(tmp_path / "run", manifest()) as writer:
        for number in (2, 1):
            writer.write(trial(number))
        writer.finish(seconds=1.5)
    return tmp_path / "run"


def test_what_was_saved_comes_back(folder: Path) -> None:
    run = load_run(folder)
    assert run.trials == (trial(1, SPELT), trial(2, SPELT))
    assert [each.number for each in iter_trials(folder)] == [2, 1]
    loaded = run.trials[0].scenario.input
    assert repr(loaded) == repr(scenario(1).input)
    assert (run.manifest.finished, run.manifest.seconds, run.manifest.partial) == (2, 1.5, False)
    assert set(run.manifest.files) == {"arms-0001.jsonl.gz", "scenarios-0001.jsonl.gz"}


def test_pandas_reads_both_files(folder: Path) -> None:
    arms = pd.read_json(folder / "arms-0001.jsonl.gz", lines=True)
    scenarios = pd.read_json(folder / "scenarios-0001.jsonl.gz", lines=True)
    assert list(arms["trial"]) == [2] * 4 + [1] * 4
    assert list(arms["arm"]) == [*ARMS, *ARMS]
    assert list(scenarios["id"]) == ["s2", "s1"]
    whole = json.loads(str(scenarios["scenario"][0]))
    assert whole["input"]["big"] == 2**70
    steps = cast("dict[str, list[dict[str, str]]]", arms["journal"][0])["steps"]
    assert steps[0]["step_id"] == "a"


@pytest.fixture
def large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A saved run of five trials, of which every two fill a file, and of three crash cases, of which each does."""
    line = sum(len(text) + 1 for text in record_trial(trial(1)).lines.values())
    monkeypatch.setattr("cutover.harness.store.writer._PART", line + 1)
    with RunWriter(tmp_path / "large", manifest()) as writer:
        for number in range(1, 6):
            writer.write(trial(number))
        for point in (1, 2, 3):
            monkeypatch.setattr("cutover.harness.store.writer._PART", 1)
            writer.write_case(case(point))
        writer.finish(seconds=1.5)
    return tmp_path / "large"


def test_a_large_run_has_numbered_files_of_the_same_trials(large: Path) -> None:
    assert sorted(path.name for path in large.iterdir()) == [
        *(f"arms-000{number}.jsonl.gz" for number in (1, 2, 3)),
        *(f"cases-000{number}.jsonl.gz" for number in (1, 2, 3)),
        "manifest.json",
        *(f"scenarios-000{number}.jsonl.gz" for number in (1, 2, 3)),
    ]
    files = load_manifest(large).files
    assert files == {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in large.iterdir() if path.suffix == ".gz"
    }
    assert [each.number for each in iter_trials(large)] == [1, 2, 3, 4, 5]
    assert [[each.number for each in read_part(large, part)] for part in parts_of(large)] == [[1, 2], [3, 4], [5]]
    assert [str(record.case) for record in iter_cases(large)] == [f"s1@call:{point}/once" for point in (1, 2, 3)]


def test_a_file_too_large_to_be_read_at_once_is_read_line_by_line(large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = load_run(large)
    monkeypatch.setattr("cutover.harness.store.files._AT_ONCE", 0)
    monkeypatch.delattr("cutover.harness.store.files._at_once")
    assert load_run(large) == whole
    path = large / "arms-0003.jsonl.gz"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(RunError, match=r"arms-0003\.jsonl\.gz is cut off or damaged"):
        load_run(large)


def test_pandas_reads_each_file_by_itself(large: Path) -> None:
    def numbers(table: str, column: str) -> list[list[object]]:
        files = sorted(large.glob(f"{table}-*.jsonl.gz"))
        return [list(pd.read_json(file, lines=True, compression="gzip")[column].unique()) for file in files]

    assert numbers("arms", "trial") == numbers("scenarios", "trial") == [[1, 2], [3, 4], [5]]
    assert numbers("cases", "case") == [[f"s1@call:{point}/once"] for point in (1, 2, 3)]


def test_a_table_without_lines_has_no_file(tmp_path: Path) -> None:
    with RunWriter(tmp_path / "run", manifest()) as writer:
        writer.finish(seconds=0)
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["manifest.json"]
    assert load_run(tmp_path / "run").trials == ()


def test_a_lost_file_of_many_is_named(large: Path) -> None:
    (large / "arms-0002.jsonl.gz").unlink()
    with pytest.raises(RunError, match=r"arms-0002\.jsonl\.gz cannot be read"):
        load_run(large)


def test_files_that_the_manifest_no_longer_names_are_missed(large: Path) -> None:
    path = large / "manifest.json"
    stands = json.loads(path.read_text())
    del stands["files"]["arms-0002.jsonl.gz"]
    path.write_text(json.dumps(stands))
    with pytest.raises(RunError, match="names 3 files of scenarios and 2 of arms"):
        load_run(large)
    del stands["files"]["scenarios-0002.jsonl.gz"]
    path.write_text(json.dumps(stands))
    with pytest.raises(RunError, match="has 3 trials and its manifest says 5"):
        load_run(large)


def test_files_come_in_the_order_of_their_numbers_and_no_other_name_is_taken_for_one() -> None:
    names = ["arms-10000.jsonl.gz", "arms-0002.jsonl.gz", "../arms-0001.jsonl.gz", "arms-1.jsonl.gz", "arms-0001.jsonl"]
    assert [file.name for file in files_of(Table.ARMS, dict.fromkeys(names, "00"))] == names[1::-1]
    assert [file_name(Table.ARMS, number) for number in (2, 10_000)] == names[1::-1]


def test_an_interrupted_run_says_that_it_is_partial(tmp_path: Path) -> None:
    with RunWriter(tmp_path / "run", manifest()) as writer:
        writer.write(trial(1))
        writer.finish(seconds=1, partial=True)
    run = load_run(tmp_path / "run")
    assert (run.manifest.partial, run.manifest.planned, len(run.trials)) == (True, 2, 1)


def test_times_keep_their_instant(tmp_path: Path) -> None:
    elsewhere = AT.astimezone(timezone(timedelta(hours=-3)))
    with RunWriter(tmp_path / "run", manifest()) as writer:
        kept = writer.finish(seconds=0)
    assert kept.created_at == elsewhere == load_manifest(tmp_path / "run").created_at


def test_a_folder_with_something_in_it_is_left_alone(folder: Path) -> None:
    before = (folder / "arms-0001.jsonl.gz").read_bytes()
    with pytest.raises(UsageProblem, match="is not empty"):
        RunWriter(folder, manifest())
    assert (folder / "arms-0001.jsonl.gz").read_bytes() == before


def test_a_folder_that_another_run_has_just_taken_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two runs may both have found it empty."""
    folder = tmp_path / "run"
    with RunWriter(folder, manifest()) as first:
        before = (folder / "manifest.json").read_bytes()
        monkeypatch.setattr(Path, "iterdir", lambda _folder: iter(()))
        with pytest.raises(UsageProblem, match="another run has just begun to write there"):
            RunWriter(folder, manifest())
        assert (folder / "manifest.json").read_bytes() == before
        first.finish(seconds=0)


def save(folder: Path) -> None:
    with RunWriter(folder, manifest()) as writer:
        for number in range(1, 50):
            writer.write(trial(number))
        writer.finish(seconds=1)


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2048, limits[1]))
    try:
        with pytest.raises(EnvironmentProblem, match=r"cannot be saved in .*run: File too large; free some space"):
            save(tmp_path / "run")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    saved = load_run(tmp_path / "run")
    assert (saved.manifest.partial, saved.trials) == (True, ())


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvironmentProblem, match=r"file/run: Not a directory"):
        RunWriter(tmp_path / "file" / "run", manifest())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(EnvironmentProblem, match="Permission denied"):
        RunWriter(tmp_path / "run", manifest())


def test_a_folder_without_a_manifest_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="holds no run"):
        load_run(tmp_path)


def test_a_run_that_was_left_is_partial(tmp_path: Path) -> None:
    with RunWriter(tmp_path / "run", manifest()) as writer:
        writer.write(trial(1))
    saved = load_run(tmp_path / "run")
    assert (saved.manifest.partial, saved.manifest.finished, len(saved.trials)) == (True, 1, 1)


def test_a_run_whose_process_is_killed_is_partial_and_has_what_filled_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = record_trial(trial(1)).lines
    monkeypatch.setattr("cutover.harness.store.writer._PART", 3 * sum(map(len, lines.values())))
    writer = RunWriter(tmp_path / "run", manifest())
    found = []
    for number in range(1, 8):
        writer.write(trial(number))
        saved = load_run(tmp_path / "run")  # what a later process would find
        assert saved.manifest.partial
        assert saved.manifest.finished == len(saved.trials)
        found.append(saved.manifest.finished)
    assert found[0] == 0
    assert found == sorted(found)
    assert 3 <= found[-1] <= 7
    writer.write_lines(Table.PLAYS, [b"{}"])
    assert load_run(tmp_path / "run").manifest.finished == 7
    assert {each.name for each in (tmp_path / "run").iterdir()} == {
        "manifest.json",
        *load_manifest(tmp_path / "run").files,
    }


def test_a_newer_schema_asks_for_an_upgrade(folder: Path) -> None:
    path = folder / "manifest.json"
    raw = json.loads(path.read_text())
    path.write_text(json.dumps({**raw, "schema_version": 99, "unknown": {}}))
    with pytest.raises(RunError, match=r"schema version 99 .* upgrade"):
        load_run(folder)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema_version": 1}', "\x00"])
def test_a_damaged_manifest_is_named(folder: Path, text: str) -> None:
    (folder / "manifest.json").write_text(text)
    with pytest.raises(RunError, match=r"manifest\.json is damaged"):
        load_run(folder)


def test_a_truncated_file_is_named(folder: Path) -> None:
    path = folder / "arms-0001.jsonl.gz"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(RunError, match=r"arms-0001\.jsonl\.gz is cut off or damaged"):
        load_run(folder)


def test_a_file_with_a_flipped_bit_is_named(folder: Path) -> None:
    path = folder / "arms-0001.jsonl.gz"
    data = bytearray(path.read_bytes())
    data[12] ^= 0xFF  # in its first compressed block
    path.write_bytes(data)
    with pytest.raises(RunError, match=r"arms-0001\.jsonl\.gz is cut off or damaged"):
        load_run(folder)


def test_an_edited_file_is_named(folder: Path) -> None:
    path = folder / "arms-0001.jsonl.gz"
    with gzip.open(path) as file:
        lines = file.read()
    with gzip.open(path, "wb") as file:
        file.write(lines.replace(b'"completed"', b'"cancelled"'))
    with pytest.raises(RunError, match=r"arms-0001\.jsonl\.gz is not the file that its manifest names"):
        load_run(folder)


def test_a_file_of_another_run_is_named(folder: Path, tmp_path: Path) -> None:
    with RunWriter(tmp_path / "other", manifest()) as writer:
        writer.write(trial(9))
        writer.finish(seconds=1)
    (tmp_path / "other" / "arms-0001.jsonl.gz").rename(folder / "arms-0001.jsonl.gz")
    with pytest.raises(RunError, match="or is of another run"):
        load_run(folder)


def test_an_absent_file_is_named(folder: Path) -> None:
    (folder / "scenarios-0001.jsonl.gz").unlink()
    with pytest.raises(RunError, match=r"scenarios-0001\.jsonl\.gz cannot be read"):
        load_run(folder)


def test_a_line_that_breaks_the_schema_is_counted(folder: Path) -> None:
    path, place = folder / "arms-0001.jsonl.gz", folder / "manifest.json"
    with gzip.open(path) as file:
        lines = file.read().splitlines(keepends=True)
    with gzip.open(path, "wb") as file:
        file.write(b"".join(lines[:4]) + lines[4].replace(b'"position":0', b'"position":"first"') + b"".join(lines[5:]))
    raw = json.loads(place.read_text())
    raw["files"][path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
    place.write_text(json.dumps(raw))
    with pytest.raises(RunError, match=r"damaged, \d trials were readable: 1 validation error"):
        load_run(folder)


def test_an_arm_that_is_there_twice_is_refused_and_not_the_last_one_taken(folder: Path) -> None:
    lines = gzip.decompress((folder / "arms-0001.jsonl.gz").read_bytes()).splitlines(keepends=True)
    written = gzip.compress(b"".join([*lines, lines[-1]]))
    (folder / "arms-0001.jsonl.gz").write_bytes(written)
    stands = json.loads((folder / "manifest.json").read_text())
    stands["files"]["arms-0001.jsonl.gz"] = hashlib.sha256(written).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(stands))
    with pytest.raises(RunError, match=r"trial \d has arm \w+ twice"):
        load_run(folder)


def test_what_was_measured_aside_comes_back_and_is_guarded(tmp_path: Path) -> None:
    routed = (
        Routed(
            execution_id=UUID(int=1),
            salt="s",
            switch=None,
            percent="10",
            served=("control", "candidate"),
            climb=(("10", "control"), ("50", "candidate")),
        ),
        Routed(execution_id=UUID(int=2), salt="s", switch="true", percent=None, served=()),
    )
    weighed = (Weighed(role="candidate", executions=1, idle_kib=2, peak_kib=3, limit_kib=4),)
    with RunWriter(tmp_path / "run", manifest()) as writer:
        writer.write_routing(routed)
        writer.write_memory(weighed)
        writer.finish(seconds=1.0)
    assert load_routing(tmp_path / "run") == routed
    assert load_memory(tmp_path / "run") == weighed
    with gzip.open(tmp_path / "run/memory-0001.jsonl.gz", "at") as file:
        file.write("{}\n")
    with pytest.raises(RunError, match=r"memory-0001\.jsonl\.gz is not the file that its manifest names"):
        load_memory(tmp_path / "run")


def test_a_run_from_before_they_were_measured_has_none(tmp_path: Path) -> None:
    with RunWriter(tmp_path / "run", manifest()) as writer:
        writer.finish(seconds=1.0)
    assert load_routing(tmp_path / "run") == ()
    assert load_memory(tmp_path / "run") == ()
