"""What is played in the background of a run: an activity that outlasts a lease, on engines that are sound or are not.

The real length is played once; elsewhere the activity is short, since engines that keep no lease let others in at once.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import psycopg
import pytest

from cutover.harness.judge.plays import judge_plays
from cutover.harness.record.plays import PlayRecord
from cutover.harness.run.postgres.server import Server
from cutover.harness.run.side import background
from cutover.harness.run.side.background import BackgroundPlays
from cutover.harness.store.lines import read_as

HELD = "cutover.engines.errors.ExecutionHeld"
MODULE = """
import os
from signal import pause
from cutover.engines.errors import ExecutionHeld
from cutover.engines.v2.orchestrator import OrchestratorV2

class DiesWhenAsked(OrchestratorV2):
    def resume(self, execution_id, signal=None):
        os._exit(7)

class HangsWhenAsked(OrchestratorV2):
    def resume(self, execution_id, signal=None):
        while True:
            pause()

class SaysNothing(OrchestratorV2):
    def resume(self, execution_id, signal=None):
        try:
            super().resume(execution_id, signal)
        except ExecutionHeld:
            pass

class CannotBeInstalled(OrchestratorV2):
    def install(self):
        raise ValueError("no tables today")
"""


@pytest.fixture
def odd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a module of odd engines, which child processes find too."""
    (tmp_path / "cutover_long_players.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return "cutover_long_players"


def databases(server: Server) -> set[str]:
    with psycopg.connect(server.dsn) as connection:
        return {name for (name,) in connection.execute("SELECT datname FROM pg_database")}


def played(server: Server, candidate: str, lasts_s: float = 0.6) -> tuple[Sequence[PlayRecord], str]:
    before = databases(server)
    with BackgroundPlays(server, control="v1", candidate=candidate, seed=3, lasts_s=lasts_s) as plays:
        lines, problem = plays.collect()
    assert databases(server) == before
    return [read_as(PlayRecord, json.loads(line)) for line in lines], problem


def told(rows: Sequence[PlayRecord]) -> list[str]:
    return [f"{finding.check}: {finding.message}" for result in judge_plays(rows) for finding in result.findings]


@pytest.mark.nightly
def test_v2_renews_its_lease_for_as_long_as_an_activity_takes(server: Server) -> None:
    """48 s of real time; every default run plays it too."""
    rows, problem = played(server, "v2", 40.0)
    assert (problem, told(rows)) == ("", [])
    [row] = rows
    *asked, measured = row.commands
    assert len(asked) == 22
    assert {command.failure and command.failure.type for command in asked} == {HELD}
    assert measured.failure is None


def test_v2_is_held_as_long_as_its_lease_lasts(server: Server) -> None:
    rows, problem = played(server, "v2")
    assert (problem, told(rows)) == ("", [])
    [row] = rows
    assert [(entry.step_id, entry.effect) for entry in row.arm.ledger] == [("pack", "applied"), ("ship", "applied")]
    assert [command.refused for command in row.commands] == [True] * 22 + [None]


def test_an_engine_without_a_lease_lets_the_other_worker_in(server: Server) -> None:
    rows, problem = played(server, "v1")
    assert problem == ""
    messages = told(rows)
    assert any("into an activity: was not refused" in message for message in messages)
    assert any("DUP: step pack: its effect was applied 2 times" in message for message in messages)
    assert [command.refused for command in rows[0].commands] == [False, None]


def test_a_worker_that_does_nothing_where_it_is_held_is_sound(server: Server, odd: str) -> None:
    rows, problem = played(server, f"{odd}:SaysNothing")
    assert (problem, told(rows)) == ("", [])
    assert {command.failure for command in rows[0].commands} == {None}


@pytest.mark.parametrize(
    ("engine", "words"), [("DiesWhenAsked", "long: nothing was said"), ("HangsWhenAsked", "long: took more than")]
)
def test_an_engine_that_hangs_or_dies_costs_the_play_alone(
    server: Server, odd: str, monkeypatch: pytest.MonkeyPatch, engine: str, words: str
) -> None:
    monkeypatch.setattr(background, "SILENCE_S", 8.0)
    rows, problem = played(server, f"{odd}:{engine}")
    assert words in problem
    assert any(words in message for message in told(rows))


@pytest.mark.parametrize(
    ("engine", "words"), [("CannotBeInstalled", "no tables today"), ("NoSuchEngine", "NoSuchEngine")]
)
def test_an_engine_that_cannot_be_made_is_not_played(server: Server, odd: str, engine: str, words: str) -> None:
    rows, problem = played(server, f"{odd}:{engine}")
    assert rows == []
    assert words in problem


def interrupted(server: Server, begun: list[int]) -> None:
    with BackgroundPlays(server, control="v1", candidate="v2", seed=3) as plays:
        assert plays._child is not None
        begun.append(plays._child._process.pid)
        raise KeyboardInterrupt


def test_what_is_not_heard_to_its_end_leaves_nothing(server: Server) -> None:
    """As where a run is interrupted."""
    before = databases(server)
    begun: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        interrupted(server, begun)
    assert databases(server) == before
    with pytest.raises(ProcessLookupError):
        os.kill(begun[0], 0)
