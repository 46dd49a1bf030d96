"""Sound engines unlike ours: what the harness takes for granted of ours is not a fault of theirs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from testbeds import CATALOG, made, play

from cutover.harness.cli.main import _outcome
from cutover.harness.judge.crash.tally import judge_case
from cutover.harness.judge.findings import Verdict
from cutover.harness.run.crash.testbed import Testbed
from cutover.harness.run.postgres.server import Server

CASES = ("03-data-flow@request:2/once", "03-data-flow@reply:1/zombie", "03-data-flow@answer:3/once")


def verdict(testbed: Testbed, name: str) -> Verdict:
    record = play(testbed, name)
    assert record.leftovers == 0
    return judge_case(CATALOG[record.case.scenario], record).verdict


@pytest.mark.parametrize("engine", ["by_child", "from_threads", "undated"])
def test_nothing_is_held_against_it(dsn: str, engine: str) -> None:
    with made(f"odd_engines:{engine}", dsn) as testbed:
        assert {name: verdict(testbed, name) for name in CASES} == dict.fromkeys(CASES, Verdict.PASS)


def test_what_an_engine_raised_is_shown_with_the_place_in_its_code(
    server: Server, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    folder = tmp_path / "run"
    asked = (
        "run",
        "--candidate",
        "odd_engines:breaks",
        "--only",
        "01-one-activity",
        "--skip",
        "crashes,plays,costs,routing,memory",
    )
    assert _outcome([*asked, "--postgres", server.dsn, "--out", str(folder), "--quiet"]) == 1
    document = json.loads((folder / "report.json").read_text("utf-8"))
    [out] = [check for check in document["checks"] if check["check"] == "OUT"]
    witness = out["samples"][0]["witness"]
    assert witness["raised_in"].endswith("in _reach_for")
    assert "return nothing[3]" in witness["trace"]
    assert "return nothing[3]" not in (folder / "report.html").read_text("utf-8")
    capfdbinary.readouterr()
    assert _outcome(["explain", "OUT", "--run", str(folder)]) == 0
    assert b"return nothing[3]" in capfdbinary.readouterr().out
    case = ("crash", "--engine", "odd_engines:breaks", "--case", "01-one-activity@request:1/once")
    assert _outcome([*case, "--postgres", server.dsn]) == 1
    assert b"in _reach_for" in capfdbinary.readouterr().out
