"""The example engine of the documentation, killed as a newcomer would have it killed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


def crash(tmp_path: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "cutover", "crash", "--engine", "psycopg_engine:ExampleEngine", "--workers", "2",
         "--postgres-mode", "embedded", "--out", str(tmp_path / "crash"), *arguments],
        cwd=EXAMPLES, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_it_survives_every_death_in_the_smallest_flow(tmp_path: Path) -> None:
    assert "PASS" in crash(tmp_path, "--only", "01-one-activity", "--ways", "once,zombie,cancel", "--limit", "12")


@pytest.mark.nightly
def test_it_survives_deaths_in_retries_loops_and_waits(tmp_path: Path) -> None:
    only = ("03-data-flow", "05-retry-third-attempt", "41-wait-for-signal", "42-wait-for-timer")
    names = [word for name in only for word in ("--only", name)]
    assert "PASS" in crash(tmp_path, *names, "--limit", "200")
