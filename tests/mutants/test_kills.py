"""What counts as killed, and how the matrix is shown."""

from __future__ import annotations

import json

import pytest
from rich.console import Console

from cutover.harness.record.mutants import Kill, KillMatrix
from cutover.reports.parts.mutants import matrix_part
from cutover.reports.terminal.mutants import render_kills

DEAD = Kill(kind="engine", id="no-key", pattern="no key", check="DUP", seen={"DUP": 2, "OUT": 1}, looked_at=6)
ALIVE = Kill(kind="engine", id="alive", pattern="[red]odd[/red]", check="CKPT", seen={"OUT": 1}, looked_at=6)
CLEAN = Kill(kind="control", id="same", pattern="itself", check="", looked_at=3)


@pytest.mark.parametrize(
    ("kill", "good"),
    [
        (DEAD, True),
        (ALIVE, False),
        (CLEAN, True),
        (Kill(kind="control", id="x", pattern="x", check="", seen={"OUT": 1}, looked_at=1), False),
        (Kill(kind="control", id="x", pattern="x", check=""), False),
        (Kill(kind="engine", id="x", pattern="x", check="DUP", seen={"DUP": 1}, looked_at=1, problem="died"), False),
        (Kill(kind="harness", id="x", pattern="x", check="META laws", looked_at=1), False),
    ],
)
def test_a_mutant_is_dead_by_its_own_check_and_a_control_good_when_nobody_speaks(kill: Kill, *, good: bool) -> None:
    assert kill.good is good


def test_a_matrix_is_good_only_with_all_of_them_and_never_empty() -> None:
    assert KillMatrix(seed=1, kills=(DEAD, CLEAN), seconds=2.0).good
    assert not KillMatrix(seed=1, kills=(DEAD, ALIVE, CLEAN), seconds=2.0).good
    assert not KillMatrix(seed=1, kills=(), seconds=2.0).good


def test_the_others_are_named_and_the_survivor_is_explained() -> None:
    part = matrix_part(KillMatrix(seed=1, kills=(DEAD, ALIVE, CLEAN), seconds=2.0))
    console = Console(width=100, record=True, color_system=None, highlight=False, markup=False)
    render_kills(part, console)
    text = console.export_text()
    assert part.headline in text
    assert part.headline == "FAIL: 1 of 2 mutants killed by the check that they name, 1 of 1 controls clean, in 2 s."
    assert "alive: not seen by CKPT, only by OUT" in text
    assert "[red]odd[/red]" in text


def test_the_json_says_all_of_it() -> None:
    part = json.loads(matrix_part(KillMatrix(seed=7, kills=(DEAD,), seconds=2.0)).model_dump_json())
    assert (part["good"], part["seed"], part["kills"][0]["findings"]) == (True, 7, {"DUP": 2, "OUT": 1})
    assert part["kills"][0]["others"] == ["OUT"]
