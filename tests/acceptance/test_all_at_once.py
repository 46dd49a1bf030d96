"""An engine with many bugs at once: they may not hide one another from a run."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from cutover.harness.cli.main import _outcome
from cutover.harness.mutants.engines.combined import AllAtOnce
from cutover.harness.run.postgres.server import Server

ENGINE = "cutover.harness.mutants.engines:AllAtOnce"
AROUND = {"OUT", "DUP", "CLOCK", "IDENT", "BESIDE", "SIGNAL", "INSTALL", "READ"}
AFTER_DEATHS = {"ACK", "RESUME"}
"""A check for each kind of bug that it has."""


def test_it_is_of_many_bugs_no_two_of_which_replace_the_same_part() -> None:
    bugs = [base for base in AllAtOnce.__mro__ if ".engines." in base.__module__ and not base.__name__.startswith("_")]
    assert len(bugs) - len({"AllAtOnce", "BrokenV2", "OrchestratorV2", "StoresTheRefusal"}) == 33
    replaced = Counter((str(owner), name) for owner, name, _ in AllAtOnce.patches(AllAtOnce.__new__(AllAtOnce)))
    assert len(replaced) >= 10
    assert set(replaced.values()) == {1}


@pytest.mark.parametrize(
    ("options", "checks"),
    [
        pytest.param(("--trials", "129", "--skip", "routing,memory,costs,crashes"), AROUND, id="catalog"),
        pytest.param((), AROUND | AFTER_DEATHS, id="default", marks=[pytest.mark.nightly, pytest.mark.timeout(900)]),
    ],
)
def test_a_run_says_no_go_by_ten_checks(
    server: Server, tmp_path: Path, options: tuple[str, ...], checks: set[str]
) -> None:
    arguments = ["run", "--candidate", ENGINE, "--postgres", server.dsn, "--out", str(tmp_path / "run"), *options]
    assert _outcome([*arguments, "--seed", "1", "--quiet"]) == 1
    document = json.loads((tmp_path / "run/report.json").read_text("utf-8"))
    broken = {check["check"] for check in document["checks"] if check["verdict"] == "FAIL"}
    assert document["verdict"] == "NO-GO"
    assert len(broken) >= 10
    assert broken >= checks
