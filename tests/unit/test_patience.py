"""The clock for deadlines: what it counts, and what it does not."""

from __future__ import annotations

import time

import pytest

from harness.run.patience import LOOK_S, Patience


def test_time_between_looks_counts_but_a_gap_counts_as_one_look(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 50.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    patience = Patience()
    now += 0.25
    assert patience.now() == 0.25
    now += 0.5
    assert patience.now() == 0.75
    now += 3600  # stopped with Ctrl-Z for an hour
    assert patience.now() == 0.75 + LOOK_S
    now += 0.25
    assert patience.now() == 1.0 + LOOK_S
