"""Trials gathered apart and put together are the same as trials gathered in one go."""

from __future__ import annotations

import json
import math
import random
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from engines.api import ActivityNode, CheckpointRow, Edge, ExecutionRow, Journal, StartNode, StepRow, Workflow
from harness.judge.analysis import Analysis, conclude
from harness.judge.gathered import Gathered
from harness.judge.policy import default_policy
from harness.judge.records import ARMS, ArmName, ArmRecord, EngineInfo, LedgerEntry, Manifest, Trial, role
from scenarios.model import Response, Scenario

NOW = datetime(2025, 1, 8, 10, 30, tzinfo=UTC)
SHIP = Scenario(
    id="ship",
    workflow=Workflow(
        id="w",
        nodes=(StartNode(id="start"), ActivityNode(id="ship", activity="post")),
        edges=(Edge(source="start", target="ship"),),
    ),
    input=1,
    world={"ship": (Response(output=7),)},
)
MANIFEST = Manifest(
    run_id="r",
    created_at=NOW,
    cutover_version="0",
    seed=1,
    stage=0,
    control=EngineInfo(spec="v1", name="v1", digest="a"),
    candidate=EngineInfo(spec="v2", name="v2", digest="b"),
    server="s",
    server_version="18",
    planned=60,
    finished=60,
    workers=1,
    seconds=1.0,
)


def step(name: str, output: str) -> StepRow:
    return StepRow(
        step_id=name,
        node_id=name,
        status="completed",
        attempt=1,
        input="1",
        output=output,
        ports=("out",),
        error=None,
        started_at=NOW,
        finished_at=NOW,
    )


def arm(name: ArmName, output: str, ms: float) -> ArmRecord:
    execution = ExecutionRow(
        id=UUID(int=1),
        workflow_id="w",
        status="completed",
        current_node_id="ship",
        input="1",
        output=output,
        error=None,
        metadata={},
        version=1,
        created_at=NOW,
        started_at=NOW,
        finished_at=NOW,
    )
    checkpoint = CheckpointRow(
        version=1,
        node_id="start",
        schema_version=1,
        sequence=1,
        state="{}",
        checksum="",
        duration_ms=ms / 2,
        error_message=None,
        created_at=NOW,
    )
    call = LedgerEntry(
        sequence=1,
        step_id="ship",
        activity="post",
        attempt=1,
        idempotency_key="k",
        input="1",
        planned=True,
        status="ok",
        output=output,
        ports=("out",),
        error=None,
        retryable=True,
        effect="applied",
        after_completion=False,
        at=NOW,
    )
    return ArmRecord(
        arm=name,
        engine={"control": "v1", "candidate": "v2"}[role(name)],
        execution_id=UUID(int=1),
        position=0,
        journal=Journal(
            execution=execution, steps=(step("start", "1"), step("ship", output)), checkpoints=(checkpoint,)
        ),
        ledger=(call,),
        duration_ms=ms,
    )


def trials(count: int) -> list[Trial]:
    """Some right, some with another output, one with a duration that is no number, one without an arm, one twice."""
    rng = random.Random(4)  # noqa: S311 - not secret
    made = []
    for number in range(1, count + 1):
        arms = {
            name: replace(arm(name, rng.choice(["7", "7", "7", "8"]), rng.uniform(1, 9)), execution_id=UUID(int=number))
            for name in ARMS
        }
        made.append(Trial(number=number, scenario=SHIP, arms=arms))
    made[5] = replace(made[5], arms={"control": made[5].arms["control"]})
    made[9] = replace(
        made[9], arms={**made[9].arms, "candidate": replace(arm("candidate", "7", math.nan), execution_id=UUID(int=10))}
    )
    made[20] = replace(made[20], number=3)
    return made


def gathered(of: list[Trial]) -> Gathered:
    found = Gathered(MANIFEST, default_policy().stage(50).required_checks)
    for trial in of:
        found.add(trial)
    return found


def told(of: Gathered) -> str:
    """The analysis as text, in which NaN equals itself."""
    analysis: Analysis = conclude(of, default_policy(), 50)
    return repr(analysis)


@pytest.mark.parametrize("cuts", [(10,), (1, 2, 30), (20, 21), (59,)])
def test_parts_put_together_in_order_are_the_whole(cuts: tuple[int, ...]) -> None:
    run = trials(60)
    whole = Gathered(MANIFEST, default_policy().stage(50).required_checks)
    for start, end in zip((0, *cuts), (*cuts, len(run)), strict=True):
        whole.absorb(json.loads(json.dumps(gathered(run[start:end]).part())))
    assert told(whole) == told(gathered(run))


def test_the_whole_has_something_of_everything() -> None:
    text = told(gathered(trials(60)))
    for expected in (
        "trial 3 comes twice",
        "has no arm",
        "REGRESSION",
        "IMPROVEMENT",
        "BOTH_WRONG",
        "pair of durations",
    ):
        assert expected in text, expected
