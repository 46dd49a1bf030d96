"""The virtual clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from harness.run.clock import EPOCH, SystemClock, VirtualClock


def test_sleeping_jumps_and_never_goes_back() -> None:
    clock = VirtualClock()
    clock.sleep_until(EPOCH + timedelta(days=3))
    clock.sleep_until(EPOCH + timedelta(days=1))
    assert clock.now() == EPOCH + timedelta(days=3)
    clock.advance(EPOCH + timedelta(days=4))
    assert clock.now() == EPOCH + timedelta(days=4)


def test_the_system_clock_is_aware_and_returns_at_once_for_the_past() -> None:
    clock = SystemClock()
    clock.sleep_until(datetime(2000, 1, 1, tzinfo=UTC))
    assert clock.now().tzinfo is UTC
