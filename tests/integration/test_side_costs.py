"""Counting what executions cost, on a real Postgres: both engines, and engines that cannot be counted."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from rows import MANIFEST

from cutover.harness.judge.costs.judgement import judge_costs
from cutover.harness.judge.costs.limits import CostLimits
from cutover.harness.judge.findings import Verdict
from cutover.harness.record.costs import PlayCosts
from cutover.harness.run.postgres.server import Server
from cutover.harness.run.side import meter
from cutover.harness.run.side.costs import measure_costs
from cutover.harness.run.side.ladder import LADDER
from cutover.harness.store.reader import load_costs
from cutover.harness.store.writer import RunWriter


@pytest.fixture(scope="module")
def rows(server: Server) -> tuple[PlayCosts, ...]:
    found, problem = measure_costs(server, control="v1", candidate="v2")
    assert problem == ""
    return found


def test_both_engines_play_the_whole_ladder_and_v2_keeps_all_laws(rows: tuple[PlayCosts, ...]) -> None:
    names = [each.name for each in LADDER]
    assert [row.play for row in rows if row.role == "candidate"] == names
    assert [row.play for row in rows if row.role == "control"] == names
    control, candidate = judge_costs(rows, CostLimits())
    assert candidate.findings == ()
    assert candidate.examined > 500
    assert {finding.message.partition(": ")[2] for finding in control.findings} >= {
        "3.04 round trips a step, at most 2 allowed"
    }


def test_a_step_of_v2_is_one_round_trip_and_one_transaction(rows: tuple[PlayCosts, ...]) -> None:
    row = next(row for row in rows if (row.role, row.play) == ("candidate", "chain-80"))
    assert (row.calls, row.traffic.connections) == (80, 1)
    assert {(step.round_trips, step.transactions) for step in row.commands[0].steps} == {(1, 1)}
    assert row.tables is not None
    assert row.tables.read == 0
    assert row.tables.inserted >= 80


def test_each_play_sees_the_executions_of_those_before_it(rows: tuple[PlayCosts, ...]) -> None:
    before = {row.play: row.before for row in rows if row.role == "candidate"}
    assert (before["chain-5"], before["chain-20"]) == (0, 1)
    assert before["chain-20-after-20"] >= 20
    assert before["chain-20-after-80"] >= 80


def test_what_was_counted_is_saved_and_read_back(rows: tuple[PlayCosts, ...], tmp_path: Path) -> None:
    with RunWriter(tmp_path / "run", MANIFEST) as writer:
        writer.write_costs(rows)
        writer.finish(seconds=1.0)
    assert load_costs(tmp_path / "run") == rows


ENGINES = """
import os, time
from cutover.engines.v2.orchestrator import OrchestratorV2

class Fails(OrchestratorV2):
    def execute(self, request):
        raise RuntimeError("out of luck")

class Dies(OrchestratorV2):
    def execute(self, request):
        os._exit(7)

class Hangs(OrchestratorV2):
    def execute(self, request):
        time.sleep(600)
"""


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Fails", "chain-5 could not be counted: RuntimeError: out of luck"),
        ("Dies", "chain-5 could not be counted: its process ended: exit status 7"),
        ("Hangs", "chain-5 could not be counted: its process said nothing for 6 s"),
        ("Absent", "costs could not be counted: "),
    ],
)
def test_an_engine_that_cannot_be_counted_is_inconclusive_and_the_other_is_counted(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, told: str
) -> None:
    (tmp_path / "uncountable_engines.py").write_text(ENGINES)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(meter, "_SILENCE_S", 6.0 if name == "Hangs" else 60.0)
    before = databases(server)
    found, problem = measure_costs(server, control="v2", candidate=f"uncountable_engines:{name}")
    assert problem.startswith("candidate: ")
    assert ("said nothing" in problem) == (name == "Hangs")
    control, candidate = judge_costs(found, CostLimits())
    assert (control.findings, control.examined > 0) == ((), True)
    assert candidate.examined == 0
    assert {finding.verdict for finding in candidate.findings} == {Verdict.INCONCLUSIVE}
    assert candidate.findings[0].message.startswith(told)
    assert databases(server) == before


def databases(server: Server) -> set[str]:
    with psycopg.connect(server.dsn) as connection:
        return {name for (name,) in connection.execute("SELECT datname FROM pg_database")}
