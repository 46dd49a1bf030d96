"""The way `lag`: what an engine acknowledged to its workflow before it was durable is done again, and is seen."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest
from testbeds import CATALOG, made, play

from cutover.harness.judge.crash.tally import judge_case
from cutover.harness.judge.findings import Verdict
from cutover.harness.record.cases import CaseRecord, CrashTrial, Way
from cutover.harness.run.crash.baseline import BaselineRun
from cutover.harness.run.crash.plan import CasePlan, plan_cases
from cutover.harness.run.crash.testbed import Testbed

FLOW = CATALOG["03-data-flow"]


@pytest.fixture(params=["chains:sound", "v2"])
def sound(dsn: str, request: pytest.FixtureRequest) -> Iterator[Testbed]:
    with made(request.param, dsn) as testbed:
        yield testbed


@pytest.fixture
def eager(dsn: str) -> Iterator[Testbed]:
    with made("chains:eager", dsn) as testbed:
        yield testbed


def played(testbed: Testbed, way: Way) -> list[CaseRecord]:
    arm, points = BaselineRun(testbed, FLOW, uuid4()).run()
    assert arm.failure is None
    trial = CrashTrial(scenario=FLOW, baseline=arm, points=points)
    return [play(testbed, str(case)) for case in plan_cases(trial, CasePlan(engine="", ways=(way,)))]


def failed(records: list[CaseRecord]) -> set[str]:
    return {
        finding.check
        for record in records
        for finding in judge_case(FLOW, record).findings
        if finding.verdict is Verdict.FAIL
    }


def test_an_engine_that_writes_behind_repeats_what_it_had_acknowledged(eager: Testbed) -> None:
    assert failed(played(eager, Way.LAG)) == {"ACK", "CKPT"}


def test_an_engine_that_waits_for_its_commit_loses_nothing(sound: Testbed) -> None:
    records = played(sound, Way.LAG)
    assert {record.fired for record in records} == {1}
    assert failed(records) == set()
    assert any(moment.what == "lag" for moment in records[-1].moments)
