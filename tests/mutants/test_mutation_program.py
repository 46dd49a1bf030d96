"""`python tests/mutation` from end to end, on as little as shows that mutants are made, played and written down."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LITTLE = ("--only", "retry.py", "--seed", "3", "--generated", "0", "--cases", "1", "--restarts", "0")


def mutation(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "tests/mutation", *arguments], cwd=ROOT, check=False, capture_output=True, text=True
    )


@pytest.mark.nightly
def test_mutants_are_played_and_results_are_gone_on_with(tmp_path: Path) -> None:
    results = tmp_path / "results.json"
    first = mutation(*LITTLE, "--sample", "2", "--resume", str(results))
    assert "the original passes" in first.stderr
    assert "2 of " in first.stdout
    before = json.loads(results.read_text(encoding="utf-8"))
    assert before["played"] == 2
    assert before["killed"] >= 1
    kill = next(each["kill"] for each in before["results"] if each["status"] == "killed")
    assert kill["by"]
    second = mutation(*LITTLE, "--sample", "2", "--resume", str(results))
    assert "2 of them played before" in second.stderr
    assert "the original passes" not in second.stderr  # nothing was left to play
    assert json.loads(results.read_text(encoding="utf-8"))["results"] == before["results"]
    other = mutation(*LITTLE, "--sample", "2", "--cases", "2", "--resume", str(results))
    assert other.returncode == 2
    assert "cases was 1 and is 2; start anew" in other.stderr


def test_a_file_that_has_no_mutants_is_refused() -> None:
    done = mutation("--only", "nowhere.py")
    assert (done.returncode, done.stdout) == (2, "")
    assert "no mutants in ['nowhere.py']" in done.stderr
