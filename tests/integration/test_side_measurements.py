"""What a run does beside its trials, on a real Postgres: routing and weighing, also with engines that misbehave."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from cutover.harness.judge.findings import Verdict
from cutover.harness.judge.flag import judge_routing
from cutover.harness.record.trials import ARMS
from cutover.harness.run.postgres.server import Server
from cutover.harness.run.side import measurements
from cutover.harness.run.side.measurements import route, weigh
from cutover.harness.run.trials.shadow import execution_id
from cutover.scenarios.catalog import load_catalog

CATALOG = load_catalog()[:6]


def databases(server: Server) -> set[str]:
    with psycopg.connect(server.dsn) as connection:
        return {name for (name,) in connection.execute("SELECT datname FROM pg_database")}


@pytest.mark.parametrize(("control", "candidate"), [("v1", "v2"), ("v2", "v2")])
def test_the_router_holds_what_flag_asks_on_the_run_s_own_executions(
    server: Server, control: str, candidate: str
) -> None:
    before = databases(server)
    rows, problem = route(server, load_catalog(), control=control, candidate=candidate, seed=3)
    assert problem == ""
    result = judge_routing(rows)
    assert result.findings == ()
    assert result.examined > 1_000
    own = {
        execution_id(3, scenario, arm, number)
        for number, scenario in enumerate(load_catalog(), start=1)
        for arm in ARMS
    }
    assert {row.execution_id for row in rows} <= own
    assert {row.percent for row in rows} == {"0", "10", "50", "100"}
    assert databases(server) == before


def test_a_handful_of_executions_say_nothing_of_the_split(server: Server) -> None:
    rows, _ = route(server, CATALOG[:1], control="v1", candidate="v2", seed=1)
    assert [finding.verdict for finding in judge_routing(rows).findings] == [Verdict.INCONCLUSIVE]


def test_both_engines_are_weighed_apart(server: Server) -> None:
    before = databases(server)
    weighed, problem = weigh(server, CATALOG, control="v1", candidate="v2")
    assert problem == ""
    assert [(each.role, each.executions) for each in weighed] == [("control", 6), ("candidate", 6)]
    assert all(0 < each.idle_kib <= each.peak_kib < each.limit_kib for each in weighed)
    assert databases(server) == before


def test_an_engine_that_cannot_be_made_costs_the_measurement_and_is_said(server: Server) -> None:
    before = databases(server)
    rows, problem = route(server, CATALOG, control="v1", candidate="json:no_such_engine", seed=1)
    assert rows == ()
    assert "no_such_engine" in problem
    weighed, problem = weigh(server, CATALOG, control="v1", candidate="json:no_such_engine")
    assert [each.role for each in weighed] == ["control"]
    assert problem.startswith("candidate: ")
    assert databases(server) == before


PROGRAMS = """
import json, os, signal, sys

def dies(link):
    os._exit(7)

def leaves(link):
    link.serve(lambda order: sys.exit("out of luck"))

def answers(link):
    link.serve(lambda order: json.dumps([link.setup, order]).encode())

def hangs(link):
    signal.pause()
"""


def test_a_process_that_dies_or_hangs_is_told_from_one_that_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cutover_programs.py").write_text(PROGRAMS)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(measurements, "_ENTRY", "cutover_programs:dies")
    assert measurements._played("route", {0: {}}, {}, 60)[0] == (
        (),
        "its process ended with status 7: nothing was said",
    )
    monkeypatch.setattr(measurements, "_ENTRY", "cutover_programs:leaves")
    assert measurements._played("route", {0: {}}, {}, 60)[0] == ((), "its process ended with status 1: out of luck")
    monkeypatch.setattr(measurements, "_ENTRY", "cutover_programs:answers")
    much = {"more than a pipe holds": "x" * 1_000_000}
    assert measurements._played("route", {0: much}, {}, 60)[0] == (["route", much], "")
    monkeypatch.setattr(measurements, "_ENTRY", "cutover_programs:hangs")
    assert measurements._played("route", {0: {}}, {}, 0.1)[0] == ((), "took more than 0.1 s for one execution")
