"""Engines that write and beat in the background: what is written behind is missed, and no kill point is shifted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from uuid import uuid4

import pytest
from testbeds import CATALOG, made, play

from cutover.harness.judge.crash.tally import judge_case
from cutover.harness.judge.findings import Verdict
from cutover.harness.record.cases import CaseRecord, CrashCase, CrashTrial, KillPoint, Way
from cutover.harness.run.crash.baseline import BaselineRun
from cutover.harness.run.crash.plan import CasePlan, plan_cases
from cutover.harness.run.crash.testbed import Testbed
from cutover.harness.run.proxy.fingerprint import Occurrences

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


def test_a_heartbeat_shifts_no_kill_point(dsn: str) -> None:
    with made("chains:beating", dsn) as testbed:
        arm, points = BaselineRun(testbed, FLOW, uuid4()).run()
        beats = Occurrences()
        of_beats = {beats.of_request([b"SELECT 'beat 1'"]) for _ in range(10_000)}
        own = {point: steps for point, steps in points.items() if steps and point.mark not in of_beats}
        assert all(point.mark for point in own)
        trial = CrashTrial(scenario=FLOW, baseline=arm, points=own)
        cases = list(plan_cases(trial, CasePlan(engine="", ways=(Way.ONCE,))))
        records = [play(testbed, str(case)) for case in cases]
    assert len(records) >= 6
    assert {record.fired for record in records} == {1}
    assert failed(records) == set()


def test_an_engine_that_waits_for_its_commit_loses_nothing(sound: Testbed) -> None:
    records = played(sound, Way.LAG)
    assert {record.fired for record in records} == {1}
    assert failed(records) == set()
    assert any(moment.what == "lag" for moment in records[-1].moments)


def test_random_moments_are_drawn_by_the_seed_and_always_strike(sound: Testbed) -> None:
    arm, points = BaselineRun(sound, FLOW, uuid4()).run()
    trial = CrashTrial(scenario=FLOW, baseline=arm, points=points)
    plan = CasePlan(engine="", ways=(Way.RANDOM,), seed=3)
    cases = list(plan_cases(trial, plan))
    assert cases == list(plan_cases(trial, plan))
    assert len({case.point for case in cases}) > 12
    assert all(CrashCase.parse(str(case)) == case for case in cases)
    last = replace(cases[0], point=KillPoint("moment", 3_000_000))
    records = [play(sound, str(case)) for case in (*cases[:12], last)]
    assert {record.fired for record in records} == {1}
    assert {record.arm.failure for record in records} == {None}
    assert failed(records) == set()
