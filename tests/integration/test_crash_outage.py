"""A database that is away, or refuses, for longer than engines try: who may raise then, and what must hold after it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from testbeds import CATALOG, made, play

from cutover.harness.judge.crash.tally import CaseVerdict, judge_case
from cutover.harness.judge.findings import Verdict
from cutover.harness.record.cases import CaseRecord
from cutover.harness.run.crash.testbed import Testbed
from cutover.harness.store.case_lines import decode_case, encode_case

ONE, FLOW = CATALOG["01-one-activity"], CATALOG["03-data-flow"]

ENGINES = '''
"""V2, but each does something of its own when Postgres cannot be reached."""

import os
import time

from cutover.engines.errors import EngineError
from cutover.engines.registry import resolve


class Wrapped:
    def __init__(self, context):
        self._engine = resolve("v2")(context)
        self.name = "wrapped"

    def __getattr__(self, name):
        return getattr(self._engine, name)

    def execute(self, request):
        try:
            self._engine.execute(request)
        except EngineError:
            self.unreachable()


class Quiet(Wrapped):
    def unreachable(self):
        pass


class Leaves(Wrapped):
    def unreachable(self):
        os._exit(7)


class Sulks(Wrapped):
    sulking = False

    def unreachable(self):
        self.sulking = True
        raise RuntimeError("no database")

    def resume(self, execution_id, signal=None):
        while self.sulking:
            time.sleep(1)
        self._engine.resume(execution_id, signal)
'''


@pytest.fixture
def importable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "unreached.py").write_text(ENGINES, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop("unreached", None)


@pytest.fixture
def v2(dsn: str) -> Iterator[Testbed]:
    with made("v2", dsn) as testbed:
        yield testbed


def commands(record: CaseRecord) -> list[tuple[int, str, str]]:
    return [(command.worker, command.command, command.ended) for command in record.commands]


def told(judged: CaseVerdict) -> set[tuple[str, str]]:
    return {(finding.check, finding.message) for finding in judged.findings}


@pytest.mark.parametrize("point", ["request:1", "answer:1", "request:3", "answer:3"])
def test_v2_comes_back_by_itself_when_the_database_does(v2: Testbed, point: str) -> None:
    record = play(v2, f"03-data-flow@{point}/outage")
    judged = judge_case(FLOW, record)
    assert (judged.verdict, record.fired) == (Verdict.PASS, 1), judged.findings
    assert [(command.worker, command.ended, command.error_type) for command in record.commands] == [
        (1, "raised", "PostgresUnreachable"),
        (1, "returned", ""),
    ]
    assert [moment.what for moment in record.moments if moment.what in {"away", "back"}] == ["away", "back"]
    applied = [entry.step_id for entry in record.arm.ledger if entry.effect == "applied"]
    assert applied == ["reserve", "charge", "invoice"]


@pytest.mark.parametrize("way", ["serialization", "deadlock", "drop"])
@pytest.mark.parametrize("point", ["request:1", "request:3"])
def test_v2_gives_up_in_a_storm_and_lets_another_worker_go_on(v2: Testbed, way: str, point: str) -> None:
    record = play(v2, f"03-data-flow@{point}/{way}:12")
    judged = judge_case(FLOW, record)
    assert (judged.verdict, record.fired, record.planned) == (Verdict.PASS, 1, 1), judged.findings
    assert [(command.worker, command.ended) for command in record.commands] == [(1, "raised"), (2, "returned")]
    assert decode_case(encode_case(record)) == record


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ("request:1/outage", "cannot connect to Postgres: "),
        ("request:1/drop:12", "the connection was lost 8 times during one commit"),
        ("request:2/drop:12", "the connection to Postgres was lost: "),
        ("request:2/deadlock:12", "Postgres refused (40P01): "),
    ],
)
def test_v2_says_why_it_gave_up(v2: Testbed, case: str, message: str) -> None:
    assert play(v2, f"03-data-flow@{case}").commands[0].message.startswith(message)


def test_an_engine_may_wait_until_the_database_is_back(dsn: str) -> None:
    with made("cutover.harness.mutants.engines:WaitsForTheServer", dsn) as testbed:
        record = play(testbed, "03-data-flow@answer:2/outage")
    judged = judge_case(FLOW, record)
    assert (judged.verdict, record.fired) == (Verdict.PASS, 1), judged.findings
    assert [(command.worker, command.ended) for command in record.commands] == [(1, "returned")]


def test_v1_raises_in_an_outage_and_keeps_its_own_flaws_alone(dsn: str) -> None:
    with made("v1", dsn) as testbed:
        before = judge_case(ONE, play(testbed, "01-one-activity@request:1/outage"))
        after = judge_case(ONE, play(testbed, "01-one-activity@request:8/outage"))  # the call is not written down yet
        refused = judge_case(ONE, play(testbed, "01-one-activity@request:8/serialization:12"))
    assert before.verdict is Verdict.PASS, before.findings
    for twice in (after, refused):
        assert {finding.check for finding in twice.findings} == {"DUP", "RESUME"}
        assert "step charge: its effect was applied 2 times" in {finding.message for finding in twice.findings}


@pytest.mark.usefixtures("importable")
def test_an_engine_that_says_nothing_is_asked_to_go_on(dsn: str) -> None:
    with made("unreached:Quiet", dsn) as testbed:
        record = play(testbed, "03-data-flow@request:2/outage")
    judged = judge_case(FLOW, record)
    assert (judged.verdict, record.fired) == (Verdict.PASS, 1), judged.findings
    assert commands(record) == [(1, "execute", "returned"), (1, "resume", "returned")]


@pytest.mark.usefixtures("importable")
def test_an_engine_that_ends_its_process_is_followed_by_another_worker(dsn: str) -> None:
    with made("unreached:Leaves", dsn) as testbed:
        record = play(testbed, "03-data-flow@request:2/outage")
    judged = judge_case(FLOW, record)
    assert (judged.verdict, record.fired) == (Verdict.PASS, 1), judged.findings
    assert commands(record) == [(1, "execute", "killed"), (2, "resume", "returned")]


@pytest.mark.usefixtures("importable")
def test_an_engine_that_does_not_come_back_is_blamed_for_that_and_not_for_raising(dsn: str) -> None:
    with made("unreached:Sulks", dsn, deadline_s=2.0) as testbed:
        record = play(testbed, "03-data-flow@request:2/outage")
    assert commands(record) == [(1, "execute", "raised"), (1, "resume", "hung")]
    assert ("STUCK", "resume had not returned after 2 s") in told(judge_case(FLOW, record))
    assert {check for check, _ in told(judge_case(FLOW, record))} <= {"STUCK", "RESUME"}


def test_an_outage_is_over_when_the_next_case_begins(dsn: str) -> None:
    with made("cutover.harness.mutants.engines:GivesTheServerUp", dsn) as testbed:
        lost = judge_case(FLOW, play(testbed, "03-data-flow@request:2/outage"))
        again = judge_case(FLOW, play(testbed, "03-data-flow@request:2/once"))
    assert {"STUCK", "RESUME"} <= {check for check, _ in told(lost)}
    assert again.verdict is Verdict.PASS, again.findings
