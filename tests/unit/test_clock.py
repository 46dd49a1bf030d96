"""The virtual clock."""

from __future__ import annotations

from datetime import timedelta

from cutover.harness.run.world.clock import EPOCH, VirtualClock


def test_sleeping_jumps_and_never_goes_back() -> None:
    clock = VirtualClock()
    clock.sleep_until(EPOCH + timedelta(days=3))
    clock.sleep_until(EPOCH + timedelta(days=1))
    assert clock.now() == EPOCH + timedelta(days=3)
    clock.advance(EPOCH + timedelta(days=4))
    assert clock.now() == EPOCH + timedelta(days=4)
