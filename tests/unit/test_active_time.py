"""The clock for deadlines: what it counts, and what it does not."""

from __future__ import annotations

import time

import pytest

from cutover.harness.run.process.deadline import LOOK_S, ActiveTime


def test_time_between_looks_counts_but_a_gap_counts_as_one_look(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 50.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    active_time = ActiveTime()
    now += 0.25
    assert active_time.now() == 0.25
    now += 0.5
    assert active_time.now() == 0.75
    now += 3600  # stopped with Ctrl-Z for an hour
    assert active_time.now() == 0.75 + LOOK_S
    now += 0.25
    assert active_time.now() == 1.0 + LOOK_S
