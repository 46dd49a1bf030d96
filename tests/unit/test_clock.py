"""The virtual clock."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cutover.harness.run.world.clock import EPOCH, PassingClock, VirtualClock


def test_sleeping_jumps_and_never_goes_back() -> None:
    clock = VirtualClock()
    clock.sleep_until(EPOCH + timedelta(days=3))
    clock.sleep_until(EPOCH + timedelta(days=1))
    assert clock.now() == EPOCH + timedelta(days=3)
    clock.advance(EPOCH + timedelta(days=4))
    assert clock.now() == EPOCH + timedelta(days=4)


def test_a_passing_clock_goes_as_real_time_does_and_jumps_where_it_is_slept_on(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = iter([100.0, 103.0, 103.0, 104.5])
    monkeypatch.setattr("cutover.harness.run.world.clock.time.monotonic", lambda: next(shown))
    clock = PassingClock()
    assert clock.now() == EPOCH + timedelta(seconds=3)
    clock.sleep_until(EPOCH + timedelta(seconds=60))
    assert clock.now() == EPOCH + timedelta(seconds=61.5)
