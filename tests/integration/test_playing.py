"""Plays and later reads on a real Postgres: V2 comes out clean, and engines that hang, die or lose rows do not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import psycopg
import pytest

from cutover.harness.judge.findings import CheckResult
from cutover.harness.judge.plays import judge_plays
from cutover.harness.judge.rereads import judge_rereads
from cutover.harness.mutants.catalog.surroundings import PLAYED
from cutover.harness.record.plays import PlayRecord
from cutover.harness.record.rereads import Reread
from cutover.harness.run.postgres.server import Server
from cutover.harness.run.side import playing
from cutover.harness.run.side.listing import LONG_PLAYS, PLAY_CHECKS, PLAYS
from cutover.harness.run.side.playing import play_all
from cutover.harness.run.trials.shadow import run_trials
from cutover.harness.store.lines import read_as
from cutover.scenarios.catalog import load_catalog

CORRUPT = "cutover.engines.v2.checkpoints.CheckpointCorrupt"
MODULE = """
import os
from signal import pause
from cutover.engines.v2.orchestrator import OrchestratorV2

class Dies(OrchestratorV2):
    def resume(self, execution_id, signal=None):
        os._exit(7)

class Hangs(OrchestratorV2):
    def resume(self, execution_id, signal=None):
        while True:
            pause()

class Empties(OrchestratorV2):
    def __init__(self, context):
        super().__init__(context)
        if self.store.connection.execute("SELECT to_regclass('workflow_events')").fetchone() != (None,):
            self.store.connection.execute("DELETE FROM workflow_events")
"""


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a module of broken engines, which child processes find too."""
    (tmp_path / "cutover_players.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return "cutover_players"


def databases(server: Server) -> set[str]:
    with psycopg.connect(server.dsn) as connection:
        return {name for (name,) in connection.execute("SELECT datname FROM pg_database")}


def played(server: Server, candidate: str, *asked: str) -> tuple[Sequence[PlayRecord], str]:
    lines, problem = play_all(server, control="v1", candidate=candidate, seed=3, asked=asked)
    return [read_as(PlayRecord, json.loads(line)) for line in lines], problem


def test_v2_comes_out_of_every_play_clean(server: Server) -> None:
    before = databases(server)
    rows, problem = played(server, "v2")
    assert problem == ""
    results = judge_plays(rows)
    assert [(result.check, result.findings) for result in results if result.findings] == []
    assert {result.check for result in results} == {
        "SIGNAL",
        "INSTALL",
        "CLOCK",
        "IDENT",
        "READ",
        "DATA",
        "RESUME",
        "CONC",
        "CKPT",
    }
    assert all(result.examined > 100 for result in results if result.check not in {"RESUME", "CONC", "CKPT"})
    damaged = [command for row in rows if row.check == "CKPT" for command in row.commands]
    assert [command.failure is not None and command.failure.type for command in damaged] == [CORRUPT] * 7
    assert {row.role for row in rows if row.check == "INSTALL"} == {"control", "candidate"}
    assert databases(server) == before


@pytest.mark.parametrize(("engine", "words"), [("Dies", "early: nothing was said"), ("Hangs", "early: took more than")])
def test_an_engine_that_does_not_return_fails_the_play_that_it_was_in(
    server: Server, broken: str, monkeypatch: pytest.MonkeyPatch, engine: str, words: str
) -> None:
    monkeypatch.setattr(playing, "SILENCE_S", 1.0)
    before = databases(server)
    rows, problem = played(server, f"{broken}:{engine}")
    assert problem
    [signals] = [result for result in judge_plays(rows) if result.check == "SIGNAL"]
    assert any(words in finding.message for finding in signals.findings), signals.findings
    assert databases(server) == before


@pytest.mark.parametrize(("asked", "those"), [("twice", {"twice"}), ("again", {"migration", "again"}), ("live", set())])
def test_a_play_that_is_asked_for_is_played_alone(server: Server, asked: str, those: set[str]) -> None:
    """Those that are idle are played beside the run, and not here."""
    rows, problem = played(server, "v2", asked)
    assert (problem, {row.play for row in rows}) == ("", those)


def test_an_engine_that_cannot_be_made_is_not_played(server: Server) -> None:
    rows, problem = played(server, "json:no_such_engine")
    assert rows == []
    assert "no_such_engine" in problem


def test_every_play_has_a_check() -> None:
    assert PLAY_CHECKS.keys() == PLAYS.keys() | LONG_PLAYS.keys()
    assert {*PLAYED.plays} == PLAYS.keys()


def reread(server: Server, candidate: str) -> CheckResult:
    lines: list[bytes] = []
    run_trials(
        load_catalog()[:4],
        control="v1",
        candidate=candidate,
        server=server,
        workers=1,
        on_trial=lambda _trial: None,
        on_reread=lines.append,
    )
    rows = [read_as(Reread, json.loads(line)) for line in lines]
    assert [(row.trial, row.arm) for row in rows] == [
        (number, arm) for arm in ("candidate", "candidate_again") for number in (1, 3, 2, 4)
    ]
    return judge_rereads(rows)


def test_the_candidate_s_executions_are_read_again_when_all_trials_have_ended(server: Server) -> None:
    result = reread(server, "v2")
    assert (result.examined, result.findings) == (8, ())


def test_rows_that_are_gone_at_the_end_are_found(server: Server, broken: str) -> None:
    """New engines read the second and the fourth, in either arm, and empty a table when they are made."""
    found = reread(server, f"{broken}:Empties").findings
    assert {(finding.trial, finding.arm) for finding in found} == {
        (number, arm) for number in (2, 4) for arm in ("candidate", "candidate_again")
    }
    assert all("read again at the end of the run, it is not what it was" in finding.message for finding in found)
