"""A saved run judged in one process and in several: the same analysis, and the same refusal of a damaged run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from rows import ENGINES, EXECUTION, MANIFEST, SHIP

from cutover.engines.api import Journal
from cutover.harness.errors import RunError
from cutover.harness.judge.policy.loading import default_policy
from cutover.harness.judging import judge_run
from cutover.harness.record.trials import ARMS, ArmName, ArmRecord, Trial, role
from cutover.harness.store.reader import parts_of
from cutover.harness.store.writer import RunWriter
from cutover.scenarios.model import Response, Scenario


def scenario(number: int) -> Scenario:
    return replace(SHIP, id=f"ship-{number}", input=number, world={"ship": (Response(output=number % 3),)})


def arm(name: ArmName, number: int) -> ArmRecord:
    execution = replace(
        EXECUTION,
        id=UUID(int=number),
        input=str(number),
        output="1",
        metadata={"orchestrator_version": "v2", "large": 10**30},
    )
    return ArmRecord(
        arm=name,
        engine=ENGINES[role(name)],
        execution_id=UUID(int=number),
        position=0,
        journal=Journal(execution=execution),
        duration_ms=1.0 + number,
        logs=("free text", "{}"),
    )


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run of 30 trials, each in files of its own."""
    monkeypatch.setattr("cutover.harness.store.writer._PART", 1)
    with RunWriter(tmp_path / "run", replace(MANIFEST, planned=30)) as writer:
        for number in range(1, 31):
            writer.write(
                Trial(number=number, scenario=scenario(number), arms={name: arm(name, number) for name in ARMS})
            )
        writer.finish(seconds=1.0)
    return tmp_path / "run"


def test_the_analysis_is_the_same_however_many_processes(folder: Path) -> None:
    alone = judge_run(folder, default_policy(), 0)
    together = judge_run(folder, default_policy(), 0, workers=2)
    assert len(parts_of(folder)) == alone.trials == 30
    assert alone == together
    assert alone.trials_failed == 30
    assert {difference.klass for difference in alone.differences} == {"BOTH_WRONG"}


def test_a_damaged_run_is_refused_by_several_processes_too(folder: Path) -> None:
    file = folder / "arms-0001.jsonl.gz"
    file.write_bytes(file.read_bytes()[:-40])
    with pytest.raises(RunError, match=r"arms-0001\.jsonl\.gz is cut off or damaged"):
        judge_run(folder, default_policy(), 0, workers=2)
