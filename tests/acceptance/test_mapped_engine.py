"""An engine by process without a journal, whose tables `cutover.toml` maps: tried, run, killed, and mapped wrongly."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cutover.harness.cli.main import _outcome
from cutover.harness.run.postgres.server import Server

PROGRAMS = Path(__file__).parents[1] / "programs"


@pytest.fixture
def entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Writes `cutover.toml` into the current folder, with something in the mapping otherwise."""
    monkeypatch.chdir(tmp_path)

    def write(old: str = "", new: str = "") -> None:
        text = (PROGRAMS / "mapped.toml").read_text("utf-8")
        assert old in text
        command = json.dumps([sys.executable, str(PROGRAMS / "wrapped.py"), "mapped:MappedEngine"])
        (tmp_path / "cutover.toml").write_text(
            f"[engines.mapped]\ncommand = {command}\nready_timeout_s = 120\n{text.replace(old, new, 1)}"
        )

    return write


@pytest.mark.nightly
def test_its_trials_hold_nothing_against_it(entry: Callable[..., None], server: Server, tmp_path: Path) -> None:
    entry()
    asked = ("run", "--control", "v2", "--candidate", "mapped", "--trials", "12", "--seed", "3", "--quiet")
    rest = ("--skip", "crashes,memory,costs,plays", "--postgres", server.dsn, "--out", "run")
    assert _outcome([*asked, *rest]) == 3
    document = json.loads((tmp_path / "run" / "report.json").read_text("utf-8"))
    told = {each["id"]: each["verdict"] for each in document["reasons"]}
    assert {name for name, verdict in told.items() if verdict in {"FAIL", "ERROR", "INVALID"}} == set()
    for check in ("OUT", "DUP", "LOST", "SM", "EVT", "CKPT", "MET", "IDEM", "DATA"):
        assert told[check] == "PASS", check


@pytest.mark.nightly
def test_it_comes_through_every_death(entry: Callable[..., None], server: Server, tmp_path: Path) -> None:
    entry()
    asked = (
        "crash",
        "--engine",
        "mapped",
        "--only",
        "01-one-activity",
        "--ways",
        "once,zombie",
        "--limit",
        "20",
    )
    assert _outcome([*asked, "--postgres", server.dsn, "--quiet", "--out", "crash"]) == 0
    document = json.loads((tmp_path / "crash" / "crash.json").read_text("utf-8"))
    assert (document["failed"], document["duplicates"], document["lost"]) == (0, 0, 0)
    assert document["cases"] > 10


def test_a_word_that_shows_in_the_data_alone_is_held_against_the_engine(
    entry: Callable[..., None], server: Server, capfd: pytest.CaptureFixture[str]
) -> None:
    entry("asleep", "adrift")
    assert _outcome(["try", "mapped", "41-wait-for-signal", "--postgres", server.dsn, "--quiet"]) == 1
    assert "column state: 'asleep' is not a `status` of a journal" in capfd.readouterr().out


def test_what_is_wrong_only_with_its_tables_ends_a_run_before_it_begins(
    entry: Callable[..., None], server: Server, capfd: pytest.CaptureFixture[str]
) -> None:
    entry('step_id = "name"', 'step_id = "title"')
    for asked in (
        ("try", "mapped"),
        ("crash", "--engine", "mapped", "--only", "01-one-activity"),
    ):
        out = () if asked[0] == "try" else ("--out", asked[0])
        assert _outcome([*asked, "--postgres", server.dsn, "--quiet", *out]) == 2
        (line,) = (line for line in capfd.readouterr().err.splitlines() if line.startswith("cutover: "))
        assert "columns.step_id: table run_steps has no column title; it has run, name," in line
