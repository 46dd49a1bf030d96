"""Each way of interrupting and resuming, once, on small scenarios with the real engines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from testbeds import CATALOG, made, play

from cutover.harness.judge.crash.tally import judge_case
from cutover.harness.judge.findings import Verdict
from cutover.harness.record.cases import ALL_WAYS, CrashCase, KillPoint, Way
from cutover.harness.record.instants import LATEST
from cutover.harness.run.crash.baseline import BaselineRun
from cutover.harness.run.crash.caller import Caller
from cutover.harness.run.crash.matrix import replay
from cutover.harness.run.crash.testbed import Testbed
from cutover.harness.run.postgres.server import Server
from cutover.harness.store.case_lines import decode_case, encode_case

ONE, SIGNALLED = CATALOG["01-one-activity"], CATALOG["41-wait-for-signal"]


@pytest.fixture
def v2(dsn: str) -> Iterator[Testbed]:
    with made("v2", dsn) as testbed:
        yield testbed


def test_a_baseline_counts_the_places_where_a_process_can_die(v2: Testbed) -> None:
    arm, points = BaselineRun(v2, ONE, uuid4()).run()
    assert arm.failure is None
    assert points[KillPoint("call", 1)] == points[KillPoint("reply", 1)] == ("charge",)
    trips = {point.number for point in points if point.kind == "request"}
    assert trips == {point.number for point in points if point.kind == "answer"} == set(range(1, len(trips) + 1))
    assert any("charge" in steps for point, steps in points.items() if point.kind == "answer")


@pytest.mark.parametrize("way", [way for way in ALL_WAYS if way is not Way.RESTART and not way.startswith("signal")])
def test_v2_comes_through_every_way(v2: Testbed, way: Way) -> None:
    second = "@request:1" if way is Way.AGAIN else ""
    point = "call:1" if way in {Way.CANCEL, Way.CANCEL_LIVE, Way.LAPSE} else "request:2"
    record = play(v2, f"01-one-activity@{point}/{way}{second}")
    judged = judge_case(ONE, record)
    assert judged.verdict is Verdict.PASS, judged.findings
    assert record.fired == record.planned == (2 if second else 1)
    assert decode_case(encode_case(record)) == record


@pytest.mark.parametrize("way", [Way.SIGNAL_TWICE, Way.SIGNAL_LATE, Way.SIGNAL_STRAY])
def test_v2_takes_a_signal_once(v2: Testbed, way: Way) -> None:
    judged = judge_case(SIGNALLED, play(v2, f"41-wait-for-signal@signal:1/{way}"))
    assert judged.verdict is Verdict.PASS, judged.findings


def test_an_answer_deeper_than_an_engine_may_keep_reaches_it(v2: Testbed) -> None:
    record = play(v2, "99-answer-too-deep@reply:1/once")
    judged = judge_case(CATALOG["99-answer-too-deep"], record)
    assert (judged.verdict, record.fired) == (Verdict.PASS, 1), judged.findings
    assert [entry.step_id for entry in record.arm.ledger] == ["dig", "dig", "tell", "note"]  # by its error port


def test_a_fault_that_cannot_fire_is_inconclusive(v2: Testbed) -> None:
    record = play(v2, "01-one-activity@request:999/once")
    assert (record.fired, record.planned) == (0, 1)
    assert judge_case(ONE, record).verdict is Verdict.INCONCLUSIVE


def test_v1_applies_an_effect_twice_when_it_dies_before_it_is_written_down(dsn: str) -> None:
    with made("v1", dsn) as testbed:
        judged = judge_case(ONE, play(testbed, "01-one-activity@reply:1/once"))
    assert judged.verdict is Verdict.FAIL
    assert ("DUP", "step charge: its effect was applied 2 times") in {(f.check, f.message) for f in judged.findings}
    assert judged.count("duplicate_effects") == 1


def test_a_replay_of_a_witness_repeats_it_with_the_server_restarted_too(server: Server) -> None:
    witness = CrashCase.parse("01-one-activity@reply:1/once")
    found = [judge_case(ONE, replay(server, ONE, witness, "v1")) for _ in range(2)]
    assert {(each.verdict, each.count("duplicate_effects")) for each in found} == {(Verdict.FAIL, 1)}
    restarted = replay(server, ONE, replace(witness, point=KillPoint("answer", 1), way=Way.RESTART), "v2")
    assert judge_case(ONE, restarted).verdict is Verdict.PASS


def test_time_stands_still_at_the_end_of_the_calendar(v2: Testbed) -> None:
    caller = Caller(v2, ONE, uuid4(), lambda _host, _channel: None)
    v2.clock.advance_to(LATEST)
    caller.workers.pass_time(timedelta(seconds=31))
    assert v2.clock.now() == LATEST


def test_nothing_is_left_open_after_many_cases(v2: Testbed) -> None:
    def left() -> tuple[int, int]:
        return len(list(Path("/proc/self/fd").iterdir())), len(v2.proxy.channels)

    for _ in range(3):
        play(v2, "01-one-activity@answer:1/zombie")
    before = left()
    for _ in range(12):
        play(v2, "01-one-activity@answer:1/zombie")
    assert left() == before
    assert v2.kill_leftovers() == 0


def test_who_is_stopped_with_locks_is_cut_off_where_another_waits_for_them(dsn: str) -> None:
    spec = "cutover.harness.mutants.engines:CommitsInTransactions"
    with made(spec, dsn) as testbed:
        record = play(testbed, "01-one-activity@answer:5/zombie")  # the statement between BEGIN and COMMIT
    assert [each.what for each in record.moments if each.what in {"stop", "cut", "go-on"}] == ["stop", "cut", "go-on"]
    judged = judge_case(ONE, record)
    assert judged.verdict is Verdict.PASS, judged.findings


@pytest.mark.parametrize(("engine", "ended", "faults"), [("v1", "raised", 1), ("v2", "returned", 2)])
def test_an_engine_that_gives_up_when_it_is_refused_is_not_refused_again(
    dsn: str, engine: str, ended: str, faults: int
) -> None:
    with made(engine, dsn) as testbed:
        record = play(testbed, "03-data-flow@request:1/deadlock@request:1")
    assert record.commands[0].ended == ended
    assert (record.fired, record.planned) == (faults, faults)
