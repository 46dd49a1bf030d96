"""Bad inputs by a seed: each is refused in one sentence, within the declared time and memory, and never by a fault."""

from __future__ import annotations

from pathlib import Path

import pytest
from hostile.material import KINDS, bad_input
from hostile.playing import Player

SEED = 11
MOST = 600
PART = 50


def faults(folder: Path, numbers: range, seed: int) -> list[str]:
    """What is wrong with how the inputs of these numbers are refused."""
    found = []
    with Player(folder) as player:
        for number in numbers:
            bad = bad_input(seed, number, folder)
            if fault := player.play(bad.arguments).fault(bad.allowed):
                found.append(f"seed {seed}, number {number}, {bad.kind}: {' '.join(bad.arguments)[:500]}: {fault}")
    return found


def test_one_of_each_kind(tmp_path: Path) -> None:
    assert faults(tmp_path, range(len(KINDS)), seed=3) == []


@pytest.mark.nightly
@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("first", range(0, MOST, PART))
def test_six_hundred(first: int, tmp_path: Path) -> None:
    assert faults(tmp_path, range(first, first + PART), SEED) == []
