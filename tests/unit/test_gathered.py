"""Trials gathered apart and put together are the same as trials gathered in one go."""

from __future__ import annotations

import json
import math
import random
from dataclasses import replace
from uuid import UUID

import pytest
from rows import CALL, CHECKPOINT, ENGINES, EXECUTION, MANIFEST, SHIP, STEP

from cutover.engines.api import Journal, StepRow
from cutover.harness.judge.analysis import Analysis, conclude
from cutover.harness.judge.findings import Verdict
from cutover.harness.judge.gathered import Gathered
from cutover.harness.judge.policy.loading import default_policy
from cutover.harness.record.trials import ARMS, ArmName, ArmRecord, Trial, role

FACTS = replace(MANIFEST, planned=60, finished=60, seconds=1.0)


def step(name: str, output: str) -> StepRow:
    return replace(STEP, step_id=name, node_id=name, output=output)


def arm(name: ArmName, output: str, ms: float) -> ArmRecord:
    return ArmRecord(
        arm=name,
        engine=ENGINES[role(name)],
        execution_id=EXECUTION.id,
        position=0,
        journal=Journal(
            execution=replace(EXECUTION, output=output, version=1),
            steps=(step("start", "1"), step("ship", output)),
            checkpoints=(replace(CHECKPOINT, duration_ms=ms / 2),),
        ),
        ledger=(replace(CALL, output=output),),
        duration_ms=ms,
    )


def trials(count: int) -> list[Trial]:
    """Some right, some with another output, one with a duration that is not a number, one without an arm, one twice."""
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
    found = Gathered(FACTS, default_policy().stage(50).required_checks)
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
    whole = Gathered(FACTS, default_policy().stage(50).required_checks)
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
        "pairs of durations",
    ):
        assert expected in text, expected


@pytest.mark.parametrize(
    ("lacks", "said"),
    [
        ((), (Verdict.FAIL, "2 findings; trial 1, ship, candidate: the execution has checkpoints but no event")),
        (("events",), (Verdict.INCONCLUSIVE, "not offered: events")),
    ],
)
def test_rows_that_are_not_offered_are_not_missed(lacks: tuple[str, ...], said: tuple[Verdict, str]) -> None:
    facts = replace(FACTS, candidate=replace(FACTS.candidate, lacks=lacks))
    found = Gathered(facts, ["EVT", "CKPT"])
    found.add(Trial(number=1, scenario=SHIP, arms={name: arm(name, "7", 1.0) for name in ARMS}))
    told = {each.check: each for each in found.checks.summaries(["EVT"])}
    assert (told["EVT"].verdict, told["EVT"].reason) == said
    assert told["EVT"].findings_control == 2
    assert not any("no event of it" in finding.message for finding in told["CKPT"].samples)
