"""CLOCK on waits: none ends before its time, by what the caller saw. A month is 2,592,000 s."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from rows import EXECUTION, NOW, STEP

from cutover.engines.api import Edge, Journal, StartNode, TimerRow, WaitNode, Workflow
from cutover.harness.judge.checks import CHECKS
from cutover.harness.judge.findings import CheckResult
from cutover.harness.judge.view import view_of
from cutover.harness.record.trials import ArmRecord, Trial, WaitSeen
from cutover.scenarios.model import Scenario

MONTH = timedelta(days=30)
WAITS = Scenario(
    id="month",
    workflow=Workflow(
        id="w",
        nodes=(StartNode(id="start"), WaitNode(id="wait", timeout_ms=2_592_000_000)),
        edges=(Edge(source="start", target="wait"),),
    ),
    input=1,
)


def clock(seen: WaitSeen | None, due_at: datetime | None = None) -> CheckResult:
    row = replace(STEP, step_id="wait", node_id="wait", output="1")
    due = () if due_at is None else (TimerRow(step_id="wait", kind="wait", attempt=1, due_at=due_at, fired_at=due_at),)
    journal = Journal(
        execution=replace(EXECUTION, output="1"),
        steps=(replace(row, step_id="start", node_id="start"), row),
        timers=due,
    )
    arm = ArmRecord(
        arm="candidate",
        engine="v2",
        execution_id=UUID(int=1),
        position=0,
        journal=journal,
        waits=None if seen is None else (seen,),
    )
    [result] = CHECKS["CLOCK"](view_of(Trial(number=1, scenario=WAITS, arms={"candidate": arm})))
    return result


@pytest.mark.parametrize(
    ("over", "due_at", "words"),
    [
        (NOW + MONTH, None, None),
        (NOW + MONTH + timedelta(days=1), NOW + MONTH, None),
        (NOW + MONTH, NOW + MONTH + timedelta(days=400), None),
        (NOW + timedelta(seconds=31), None, "step wait waited 2.59197e+06 s less than its 2.592e+06 s"),
        (NOW + MONTH - timedelta(hours=5.5), None, "step wait waited 19800 s less than"),
        (NOW + MONTH, NOW + MONTH - timedelta(hours=5.5), "the deadline of step wait lies 19800 s before its time"),
    ],
)
def test_a_wait_takes_its_whole_time(over: datetime, due_at: datetime | None, words: str | None) -> None:
    result = clock(WaitSeen(step_id="wait", since=NOW, until=NOW, over=over), due_at)
    assert result.examined == (1 if due_at is None else 3)
    assert [words in finding.message for finding in result.findings if words] == ([] if words is None else [True])
    assert len(result.findings) == (words is not None)


def test_what_was_not_seen_is_not_examined() -> None:
    assert clock(None).examined == 0
    assert clock(WaitSeen(step_id="wait", since=NOW, until=NOW)).examined == 0
